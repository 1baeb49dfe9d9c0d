"""The timers and the jobs: only in the process that holds the instance lease."""

import asyncio
import logging
from functools import partial

from discord.ext import commands, tasks

from bot.services import digest, lost_roles, pipeline, runs, schedule
from cogs.common.bot import MusterBot
from cogs.common.members import read_members
from cogs.common.timers import Steady
from domain.errors import MusterError
from domain.runs import Trigger

log = logging.getLogger(__name__)

LEASE_SECONDS = 20.0
LOOK_SECONDS = 60.0
DIGEST_LOOK_SECONDS = 300.0
PROFILES_LOOK_SECONDS = 900.0
"""Well below the hours of an interval; each look goes through all characters' last checks."""
STOP_SECONDS = 3.0
"""How long the end of Muster waits for runs to be closed."""
GIVE_UP_SECONDS = 1.0


class Timers(commands.Cog):
    """Renew the lease, run what is due and let the jobs be done; after a restart that is what was missed."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx
        self.worker = bot.services.worker
        self.holds_lease = False
        self._told: bool | None = None
        self._loops = (self.lease, self.rosters, self.member_lists, self.profiles, self.digests)
        self._kept: dict[str, Steady] = {}

    async def cog_load(self) -> None:
        """Start the loops where timers may run."""
        if self.bot.services.timers:
            for loop in self._loops:
                loop.start()

    async def cog_unload(self) -> None:
        """Stop the loops and the jobs, let their runs end as stopped, and free the lease for the next process."""
        if not self.bot.services.timers:
            return
        for loop in self._loops:
            loop.cancel()
        ending = [task for loop in self._loops if (task := loop.get_task())]
        await asyncio.gather(asyncio.wait(ending, timeout=STOP_SECONDS), self.worker.stop())
        async with self._steady("instance lease"), asyncio.timeout(GIVE_UP_SECONDS):
            await runs.give_up_instance_lease(self.ctx)

    @tasks.loop(seconds=LEASE_SECONDS)
    async def lease(self) -> None:
        """Take or renew the lease; whoever gets it closes the runs of processes that went away."""
        async with self._steady("instance lease"):
            held = False
            try:
                held = await runs.hold_instance_lease(self.ctx)
            finally:
                self.holds_lease = held
            # A renewal that fails comes to neither: the worker sees to its own connections, and stopping it for a
            # moment without the database would cost the runs that it keeps.
            if held:
                await runs.close_expired(self.ctx)
                self.worker.start()
            else:
                await self.worker.stop()
            if self.holds_lease is not self._told:
                self._told = self.holds_lease
                log.info("the timers run %s", "here" if self.holds_lease else "in another process")

    @tasks.loop(seconds=LOOK_SECONDS)
    async def rosters(self) -> None:
        """Sync the rosters that are due, one after the other."""
        async with self._steady("roster timer"):
            if not self.holds_lease:
                return
            for guild_id in await schedule.due_guilds(self.ctx):
                if self.holds_lease:  # a round can outlive it, and then another process goes on
                    await self._roster(guild_id)

    @tasks.loop(seconds=LOOK_SECONDS)
    async def member_lists(self) -> None:
        """Compare the member lists that are due, one after the other."""
        async with self._steady("member timer"):
            if not self.holds_lease:
                return
            for server_id in await schedule.due_servers(self.ctx):
                if self.holds_lease:
                    await self._member_list(server_id)

    @tasks.loop(seconds=PROFILES_LOOK_SECONDS)
    async def profiles(self) -> None:
        """Queue the profiles that became due."""
        async with self._steady("profile timer"):
            if self.holds_lease:
                await schedule.queue_profiles(self.ctx)

    @tasks.loop(seconds=DIGEST_LOOK_SECONDS)
    async def digests(self) -> None:
        """Queue the weekly digests that are due."""
        async with self._steady("digest timer"):
            if self.holds_lease and await digest.queue_due(self.ctx):
                self.bot.deliverer.wake()

    @digests.before_loop
    @profiles.before_loop
    @rosters.before_loop
    @member_lists.before_loop
    async def _until_ready(self) -> None:
        await self.bot.wait_until_ready()

    async def _roster(self, guild_id: int) -> None:
        async with self._steady(f"roster of guild {guild_id}"):
            try:
                await pipeline.sync_roster(self.ctx, self.bot.services.battlenet, guild_id, trigger=Trigger.TIMER)
            except MusterError as error:
                log.info("roster of guild %s: %s", guild_id, error)
        self.bot.deliverer.wake()

    async def _member_list(self, server_id: int) -> None:
        server = self.bot.get_guild(server_id)
        if server is None or server.unavailable:
            return
        async with self._steady(f"members of server {server_id}"):
            try:
                fetch = partial(read_members, self.ctx, server)
                await lost_roles.note_roles(self.ctx, server_id, [role.id for role in server.roles])
                await pipeline.sync_members(self.ctx, server_id, fetch, trigger=Trigger.TIMER)
            except MusterError as error:
                log.info("members of server %s: %s", server_id, error)
        self.bot.deliverer.wake()

    def _steady(self, name: str) -> Steady:
        """Give what keeps one thing's failures apart: they end no round and hide no other's."""
        return self._kept.setdefault(name, Steady(name))
