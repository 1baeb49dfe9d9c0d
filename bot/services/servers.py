"""A server's own affairs: being in it, the guild it follows, its channels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Forbidden, Found, NotFound, Unavailable, Unchanged
from bot.battlenet.payloads import GuildPayload
from bot.services import reference
from bot.services.audit import REPORT
from bot.services.context import Context
from bot.services.departures import NOTICE
from bot.services.digest import DIGEST
from bot.services.news import LINKS, NEWS
from bot.services.options import options_of
from bot.services.outages import OUTAGE
from bot.services.roles import BLOCKED, HELD, ROLE
from db import actions, audit, locks, outbox, ranks, role_ledger, servers, upload_keys
from db.tables.guilds import Guild
from db.tables.servers import Server
from domain import errors
from domain.audit import SubjectKind
from domain.names import fold
from domain.options import Options
from domain.regions import Region


@dataclass(frozen=True, slots=True)
class FollowedGuild:
    """The guild that a server follows; `roster_synced_at` is the time of its last whole roster."""

    id: int
    name: str
    region: Region
    realm_name: str
    faction: str | None
    roster_synced_at: datetime | None
    member_count: int | None = None


@dataclass(frozen=True, slots=True)
class ServerView:
    """What the surfaces need to know of a server."""

    server_id: int
    options: Options
    officer_role_id: int | None
    audit_channel_id: int | None
    members_synced_at: datetime | None
    guild: FollowedGuild | None
    undelivered: str | None
    """Why the last message to this server could not be delivered, None when it was."""

    @property
    def is_read(self) -> bool:
        """Tell whether roster and members were both read whole: before that no finding means nothing."""
        return self.members_synced_at is not None and self.guild is not None and self.guild.roster_synced_at is not None


async def note_presence(ctx: Context, server_id: int, name: str) -> None:
    """Remember that the bot is in a server."""
    async with ctx.sessions.begin() as session:
        await servers.note_presence(session, server_id=server_id, name=name, now=ctx.clock())


async def note_absence(ctx: Context, server_id: int) -> None:
    """Remember that the bot was removed from a server: its timers stop, nothing is sent there, its data stay.

    Its upload keys are revoked for good.
    """
    async with ctx.sessions.begin() as session:
        await servers.note_absence(session, server_id=server_id, now=ctx.clock())
        await _end_of_absent(ctx, session)


async def note_servers(ctx: Context, names: Mapping[int, str | None], *, in_no_other: bool) -> None:
    """Remember in which servers the bot is, and perhaps that it is in no other; None: its name is not known now."""
    async with ctx.sessions.begin() as session:
        if in_no_other:
            await servers.note_absence_elsewhere(session, list(names), now=ctx.clock())
            await _end_of_absent(ctx, session)
        await servers.note_presences(session, names, now=ctx.clock())


async def view(ctx: Context, server_id: int) -> ServerView:
    """Load what is known of a server; raises NotFound for one that Muster is not in."""
    async with ctx.sessions() as session:
        server = await servers.required_server(session, server_id)
        guild = await servers.followed_guild(session, server_id)
        failure = await outbox.last_failure(session, server_id)
    return ServerView(
        server_id=server_id,
        options=options_of(server),
        officer_role_id=server.officer_role_id,
        audit_channel_id=server.audit_channel_id,
        members_synced_at=server.members_synced_at,
        guild=None if guild is None else _followed(guild),
        undelivered=None if failure is None else failure.reason,
    )


async def officer_role_id(ctx: Context, server_id: int) -> int | None:
    """Give the role that makes an officer on a server, None where only Manage Server does."""
    async with ctx.sessions() as session:
        server = await session.get(Server, server_id)
    return None if server is None else server.officer_role_id


async def follow_guild(
    ctx: Context,
    battlenet: BattleNetClient,
    server_id: int,
    *,
    region: Region,
    realm: str,
    name: str,
    actor_id: int,
    giving_up: str | None = None,
) -> FollowedGuild:
    """Let a server follow a guild that Battle.net knows.

    `realm` is a slug or any of the realm's names. Another guild than the one followed already needs `giving_up`: the
    name of the guild that is given up. With that act the server's view of the old guild ends: what the ranks are called
    and map to, officers' words about ranks, findings, what waits to be told of it, and the keys of those who upload its
    notes. The people's links stay, and so does all that is shared with other servers. Raises NotFound, InvalidInput,
    Conflict or Unavailable.
    """
    await reference.ensure_region(ctx, battlenet, region)
    found = await _find(battlenet, region, await _realm_slug(ctx, region, realm), name)
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        await servers.required_server(session, server_id)
        now = ctx.clock()
        before = await servers.followed_guild(session, server_id)
        guild_id = await servers.store_guild(
            session,
            now=now,
            region=region,
            realm_id=found.realm.id,
            realm_slug=found.realm.slug,
            realm_name=found.realm.name or found.realm.slug,
            blizzard_id=found.id,
            name=found.name,
            slug=found.slug,
            faction=found.faction,
            crest=found.crest,
        )
        if before is not None and before.id != guild_id and fold(giving_up) != fold(before.name):
            raise errors.Conflict(
                f"This server follows {before.name} ({before.realm_name}). To follow {found.name} "
                f"({found.realm.name or found.realm.slug}) instead, run the command again and type `{before.name}` "
                "into `replace`. That ends what stands here about its ranks: their names, roles, officers' words, and "
                "all findings. Links stay."
            )
        if before is None or before.id != guild_id:
            given = None if before is None else await _give_up(session, server_id, before, actor_id=actor_id, now=now)
            await servers.follow(session, server_id=server_id, guild_id=guild_id, followed_by=actor_id, now=now)
            await actions.log(
                session,
                server_id,
                [
                    actions.action(
                        "setup.guild",
                        SubjectKind.SERVER,
                        server_id,
                        actor_id=actor_id,
                        before=given,
                        after={"guild_id": guild_id, "name": found.name},
                    )
                ],
                now,
            )
        stored = await session.get_one(Guild, guild_id, populate_existing=True)
    return replace(_followed(stored), member_count=found.member_count)


async def set_audit_channel(ctx: Context, server_id: int, channel_id: int | None, *, actor_id: int) -> None:
    """Choose where reports go, or nowhere; what is not sent yet follows."""
    async with ctx.sessions.begin() as session:
        server = await servers.required_server(session, server_id, lock=True)
        before, server.audit_channel_id = server.audit_channel_id, channel_id
        if before is not None and channel_id is not None:
            await outbox.move_pending(session, server_id=server_id, before=before, after=channel_id)
        if before != channel_id:
            await actions.log(
                session,
                server_id,
                [
                    actions.action(
                        outbox.CHANNELS_CHOSEN,
                        SubjectKind.SERVER,
                        server_id,
                        actor_id=actor_id,
                        before={"audit_channel_id": before},
                        after={"audit_channel_id": channel_id},
                    )
                ],
                ctx.clock(),
            )


async def _end_of_absent(ctx: Context, session: AsyncSession) -> None:
    """End what must not outlive Muster's presence in a server."""
    await outbox.withdraw_from_absent(session)
    await upload_keys.revoke_of_absent(session, ctx.clock())


def _followed(guild: Guild) -> FollowedGuild:
    return FollowedGuild(guild.id, guild.name, guild.region, guild.realm_name, guild.faction, guild.roster_synced_at)


async def _give_up(
    session: AsyncSession, server_id: int, guild: Guild, *, actor_id: int, now: datetime
) -> dict[str, Any]:
    """End a server's view of a guild; give what the log keeps of it."""
    # A roster of it that is just being applied may queue a notice; the lock is never held by who wants the people's.
    await locks.hold(session, locks.Lock.ROSTER, guild.id)
    await audit.close_all(session, server_id, by=actor_id, now=now)
    await upload_keys.revoke_of_server(session, server_id, now)
    await outbox.withdraw_all(
        session, server_id=server_id, kinds=(REPORT, NOTICE, NEWS, LINKS, OUTAGE, DIGEST, ROLE, HELD, BLOCKED)
    )
    return {
        "guild_id": guild.id,
        "name": guild.name,
        "ranks": await ranks.rank_map(session, server_id, guild.id),
        "overrides": await ranks.end_overrides(session, server_id, now),
        "given_roles": await role_ledger.forget_all(session, server_id),
    }


async def _realm_slug(ctx: Context, region: Region, realm: str) -> str:
    choices = await reference.realm_choices(ctx, region)
    wanted = realm.strip()
    fitting = {choice.slug for choice in choices if choice.slug == wanted.lower()}
    fitting = fitting or {choice.slug for choice in choices if fold(wanted) in choice.keys}
    if len(fitting) == 1:
        return fitting.pop()
    if not choices and wanted:
        return wanted.lower()
    raise errors.NotFound(
        f"There is no realm {errors.quoted(realm)} in region {region.upper()}. Choose one from the list."
    )


async def _find(battlenet: BattleNetClient, region: Region, realm_slug: str, name: str) -> GuildPayload:
    if not name.strip():
        raise errors.InvalidInput("Type the guild's name as it is written in the game.")
    match await battlenet.guild(region, realm_slug, name.strip()):
        case Found(value=payload):
            return payload
        case NotFound():
            raise errors.NotFound(
                f"Battle.net knows no guild {errors.quoted(name)} on {errors.quoted(realm_slug)} ({region.upper()}). "
                "Use the guild's home realm and its exact name."
            )
        case Forbidden() | Unchanged():
            raise errors.Unavailable("Battle.net refused to show this guild. Check it with `/setup check`.")
        case Unavailable(reason=reason):
            raise errors.Unavailable(f"Battle.net does not answer ({reason}). Nothing was changed; try again later.")
