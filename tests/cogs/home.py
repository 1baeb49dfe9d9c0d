"""A virtual Discord server of the sample guild, with the real bot in it and Battle.net beside it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import discord
import simcord

from bot.services import pipeline, servers
from bot.services.bundle import Services
from bot.services.pipeline import MemberSync, RosterSync
from bot.services.profiles import Profiles
from bot.services.servers import FollowedGuild
from cogs.common.bot import MusterBot
from cogs.common.errors import unwrap
from cogs.common.members import read_members
from cogs.members.cog import QUIET_SECONDS
from domain.errors import MusterError
from domain.regions import Region
from domain.runs import Trigger
from sandbox.battlenet import BattleNetStandIn
from sandbox.sample import Sample
from sandbox.world import Character
from tests.support.clock import FakeClock
from tests.support.turns import nobody

TEXT_DISPLAY = 10
BUTTON = 2


@dataclass(repr=False)
class Home:
    """What a test of a feature acts on; not to be printed, which asyncio does with what a fixture's task gave.

    `officer` and `deputy` have Manage Server, `plain` has no right at all; `namesakes` are members called like one
    character of the guild each, by that character's name. `general` is readable by everybody, `audit` by officers.
    """

    env: simcord.Env
    services: Services
    sample: Sample
    battlenet: BattleNetStandIn
    clock: FakeClock
    server: simcord.GuildHandle
    general: simcord.ChannelHandle
    audit: simcord.ChannelHandle
    officer: simcord.MemberActor
    deputy: simcord.MemberActor
    plain: simcord.MemberActor
    namesakes: dict[str, simcord.MemberActor]

    @property
    def bot(self) -> MusterBot:
        """The bot that runs now."""
        assert isinstance(self.env.bot, MusterBot)
        return self.env.bot

    async def restart(self) -> None:
        """Start a new bot on the same database."""
        await self.env.restart_bot(MusterBot(self.services))

    async def follow(self) -> FollowedGuild:
        """Let the server follow the sample guild, as `/setup guild` does."""
        return await self.follow_on(self.server)

    async def follow_on(self, server: simcord.GuildHandle) -> FollowedGuild:
        """Let another server follow it too."""
        guild = self.sample.guild
        return await servers.follow_guild(
            self.services.ctx,
            self.services.battlenet,
            server.id,
            region=Region(guild.realm.region),
            realm=guild.realm.slug,
            name=guild.name,
            actor_id=self.officer.id,
        )

    async def report_to(self, channel: simcord.ChannelHandle | None) -> None:
        """Choose the audit channel, as `/setup channels` does."""
        channel_id = None if channel is None else channel.id
        await servers.set_audit_channel(self.services.ctx, self.server.id, channel_id, actor_id=self.officer.id)

    async def sync_roster(self) -> RosterSync:
        """Follow the guild and sync its roster, as the timer does."""
        guild = await self.follow()
        return await pipeline.sync_roster(self.services.ctx, self.services.battlenet, guild.id, trigger=Trigger.TIMER)

    async def read_profiles(self) -> None:
        """Refresh the profiles that are due, as the worker does."""
        guild = await self.follow()
        profiles = Profiles(self.services.ctx, self.services.battlenet)
        await pipeline.refresh_profiles(self.services.ctx, profiles, guild.id, stop=asyncio.Event(), others_wait=nobody)

    def leave(self, count: int) -> list[Character]:
        """Let the last so many characters leave the guild."""
        leaving = self.sample.world.members(self.sample.guild)[-count:]
        for character in leaving:
            self.sample.world.leave(character)
        return leaving

    def allow(self, command: str, actor: simcord.MemberActor) -> None:
        """Open a command group to somebody in the server's Integrations settings."""
        root = self.env.backend.find_command(command, self.server.id)
        assert root is not None
        self.server.set_command_permissions(int(root["id"]), {actor: True})

    async def sync_members(self) -> MemberSync:
        """Compare the members, as the timer does."""
        server = self.bot.get_guild(self.server.id)
        assert server is not None
        ctx = self.services.ctx
        return await pipeline.sync_members(ctx, server.id, lambda: read_members(ctx, server), trigger=Trigger.TIMER)

    async def take_rights(self, actor: simcord.MemberActor) -> None:
        """Take all roles from somebody."""
        server = self.bot.get_guild(self.server.id)
        assert server is not None
        member = server.get_member(actor.id)
        assert member is not None
        await member.edit(roles=[])
        await self.env.advance_time(QUIET_SECONDS)

    def refused(self, result: simcord.InteractionResult) -> str:
        """Give the answer to a command that was refused; SimCord keeps the refusal as an error until it is read."""
        errors = [unwrap(error) for error in self.env.errors]
        assert errors
        assert all(isinstance(error, MusterError) for error in errors), errors
        return card_of(result)

    async def deliver(self) -> None:
        """Send what the outbox holds, as the sender does every 15 seconds."""
        await self.env.advance_time(15)


def text_of(message: Any) -> str:
    """Give all texts of a message, its cards' in order."""
    lines = [message.content] if message.content else []
    lines += [component["content"] for component in _walk(message) if component["type"] == TEXT_DISPLAY]
    return "\n".join(lines)


def labels_of(message: Any) -> list[str]:
    """Give the labels of a message's buttons that can be pressed."""
    buttons = (component for component in _walk(message) if component["type"] == BUTTON)
    return [button["label"] for button in buttons if not button.get("disabled")]


def card_of(result: simcord.InteractionResult) -> str:
    """Give the texts of the answer to a command or a click; a failure if there was none."""
    assert result.response is not None, "there was no answer"
    return text_of(result.response)


def _walk(message: discord.Message | Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    pending = [component if isinstance(component, dict) else component.to_dict() for component in message.components]
    while pending:
        component = pending.pop(0)
        found.append(component)
        accessory = [component["accessory"]] if "accessory" in component else []
        pending = [*component.get("components", []), *accessory, *pending]
    return found
