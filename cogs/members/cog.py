"""Listen for servers and members that come, change and leave, and hand each to its service."""

import asyncio
from collections import defaultdict

import discord
from discord.ext import commands

from bot.services import members, pipeline, servers
from cogs.common.bot import MusterBot
from cogs.common.members import facts_of
from cogs.common.timers import Steady

QUIET_SECONDS = 5.0
"""How long a server's events may trickle in before matching and audit follow once for all of them."""


class Members(commands.Cog):
    """Keep servers and members as events tell; the timer's comparison mends what was missed."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx
        # discord.py starts a task per event; a lock hands them on in the order in which they came.
        self._in_order: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._presence = asyncio.Lock()
        self._follow_ups: dict[int, asyncio.Task[None]] = {}
        self._steady = Steady("follow-up of member events")

    async def cog_unload(self) -> None:
        """Drop what waits: the next comparison does it again."""
        for task in self._follow_ups.values():
            task.cancel()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Make up for the invitations and removals while Muster was away; a server in an outage is no removal.

        A development copy ends nothing: its bot may be in other servers than the database that it was lent.
        """
        async with self._presence:
            # Discord names its servers in READY, those in an outage too: what is not among them is left.
            names = {server.id: None if server.unavailable else server.name for server in self.bot.guilds}
            await servers.note_servers(self.ctx, names, in_no_other=self.bot.services.timers)

    @commands.Cog.listener()
    async def on_guild_available(self, server: discord.Guild) -> None:
        """Remember a server at start and after an outage."""
        async with self._presence:
            await servers.note_presence(self.ctx, server.id, server.name)

    @commands.Cog.listener()
    async def on_guild_join(self, server: discord.Guild) -> None:
        """Remember a server that Muster was invited to; after a removal the timer compares its members at once."""
        async with self._presence:
            await servers.note_presence(self.ctx, server.id, server.name)

    @commands.Cog.listener()
    async def on_guild_remove(self, server: discord.Guild) -> None:
        """Note that Muster was removed: its jobs there stop, its data stay. An outage comes as another event."""
        # After the members' events that came before: each of those notes that Muster is there.
        async with self._in_order[server.id], self._presence:
            await servers.note_absence(self.ctx, server.id)

    @commands.Cog.listener()
    async def on_member_join(self, member: discord.Member) -> None:
        """Store who joined."""
        await self._changed(member)

    @commands.Cog.listener()
    async def on_member_update(self, _before: discord.Member, after: discord.Member) -> None:
        """Store a new nick, new roles, or the end of the rules screening."""
        await self._changed(after)

    @commands.Cog.listener()
    async def on_user_update(self, _before: discord.User, after: discord.User) -> None:
        """Store a new username or global name in every server that this user is in."""
        for server in after.mutual_guilds:
            member = server.get_member(after.id)
            if member is not None:
                await self._changed(member)

    @commands.Cog.listener()
    async def on_raw_member_remove(self, event: discord.RawMemberRemoveEvent) -> None:
        """Note who left, whether or not the member was in the cache."""
        async with self._in_order[event.guild_id]:
            if await members.member_left(self.ctx, event.guild_id, event.user.id):
                self._follow(event.guild_id)

    async def _changed(self, member: discord.Member) -> None:
        if member.bot:
            return
        facts = facts_of(member)
        async with self._in_order[member.guild.id]:
            if self.bot.get_guild(member.guild.id) is None:
                return
            # The first event of a new server may overtake the server's own.
            await servers.note_presence(self.ctx, member.guild.id, member.guild.name)
            if await members.member_changed(self.ctx, member.guild.id, facts):
                self._follow(member.guild.id)

    def _follow(self, server_id: int) -> None:
        waiting = self._follow_ups.get(server_id)
        if waiting is None or waiting.done():
            self._follow_ups[server_id] = asyncio.create_task(self._follow_later(server_id))

    async def _follow_later(self, server_id: int) -> None:
        await asyncio.sleep(QUIET_SECONDS)
        # An event that comes from here on waits for a follow-up of its own.
        self._follow_ups.pop(server_id, None)
        if self.bot.get_guild(server_id) is None:
            return
        async with self._steady:
            await pipeline.follow_up(self.ctx, server_id)
            self.bot.deliverer.wake()
