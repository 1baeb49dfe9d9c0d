"""What the rules about roles and about data find: what brings it about, how it ends, what makes it another problem."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.services.context import Context
from db.base import Base
from db.tables.guilds import Character, Guild, HeldDeparture, ProfileCheck
from db.tables.people import (
    Availability,
    RankOverride,
)
from db.tables.reference import CharacterClass, Race, Specialization
from db.tables.roles import RoleChange, RoleRun
from db.tables.servers import GuildRank, Server
from db.tables.uploads import Upload, UploadKey
from domain.role_sync import ChangeState, RoleAct, RunKind
from domain.roster import Departure
from domain.uploads import UploadState
from tests.support.changes import (
    UNPROVEN,
    Cause,
    Change,
    Planted,
    ana_leaves,
    deleting,
    going,
    holding,
    insert,
    one_after_another,
    setting,
    unlink,
)
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_members,
    insert_player,
    map_rank,
)
from tests.support.uploads import insert_key

OFFICERS, RAIDERS, OTHER = 31, 32, 33
"""Roles: of rank 1, of rank 3, and one that rank 1 may have later."""
LONG_AWAY = timedelta(days=90)
UNKNOWN = 999


async def ranked(ctx: Context, guild: int, *roles: int) -> Planted:
    """Plant Ana, of rank 1, proven to be member 1's, who holds these roles."""
    await map_rank(ctx, guild, 1, OFFICERS)
    await map_rank(ctx, guild, 3, RAIDERS)
    [ana] = await insert_characters(ctx, guild, Toon("Ana", rank=1))
    await insert_members(ctx, facts(1, role_ids=roles))
    player = await insert_player(ctx, [ana], [1])
    return Planted(ctx, guild, player, ana, player=player)


async def with_wrong_role(ctx: Context, guild: int) -> Planted:
    """Plant a member with the role of another rank."""
    return await ranked(ctx, guild, RAIDERS)


async def overrule(planted: Planted) -> None:
    """Let an officer say which rank the player has."""
    word = RankOverride(
        server_id=SERVER, player_id=planted.player, rank_index=1, reason="trial", set_by=OFFICER, set_at=planted.now
    )
    await insert(planted.ctx, word)


async def plan_role(planted: Planted) -> None:
    """Let a run be about to give member 1 their role."""
    run = RoleRun(public_id="run", server_id=SERVER, kind=RunKind.APPLY, actor_id=OFFICER, started_at=planted.now)
    await insert(planted.ctx, run)
    change = RoleChange(
        server_id=SERVER, run_id=run.id, user_id=1, role_id=OFFICERS, act=RoleAct.GIVE, state=ChangeState.PLANNED
    )
    await insert(planted.ctx, change)


async def unmapped(ctx: Context, guild: int) -> Planted:
    """Plant Ana, of rank 7, which is the only one without a role."""
    await map_rank(ctx, guild, 1, OFFICERS)
    await map_rank(ctx, guild, 7, None)
    [ana] = await insert_characters(ctx, guild, Toon("Ana", rank=7))
    return Planted(ctx, guild, 7, ana)


async def stale(ctx: Context, guild: int) -> Planted:
    """Plant Ana, member 1's, whom nobody has played for long."""
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    player = await insert_player(ctx, [ana], [1])
    await insert(ctx, ProfileCheck(character_id=ana, checked_at=ctx.clock()))
    planted = Planted(ctx, guild, ana, ana, player=player)
    await log_in(planted, LONG_AWAY)
    return planted


async def log_in(planted: Planted, ago: timedelta = timedelta(0)) -> None:
    """Let Ana have been played last so long ago."""
    await setting(Character, Character.id == planted.ana, last_login_at=planted.now - ago)(planted)


async def log_in_between(planted: Planted) -> None:
    """Let Ana have been played a month later than it was known, which is long ago too."""
    await log_in(planted, LONG_AWAY - timedelta(days=30))


async def go_away(planted: Planted) -> None:
    """Let an officer say that Ana's player is on hiatus."""
    word = Availability(server_id=SERVER, player_id=planted.player, reason="baby", set_by=OFFICER, set_at=planted.now)
    await insert(planted.ctx, word)


def unread(subject: int) -> Callable[[Context, int], Awaitable[Planted]]:
    """Plant a roster (1) or a member list (2) that was read four days ago, while the other one was read now."""

    async def plant(ctx: Context, guild: int) -> Planted:
        planted = Planted(ctx, guild, subject)
        planted.wait(days=4)
        await read_whole(planted, 3 - subject)
        return planted

    return plant


async def read_whole(planted: Planted, subject: int | None = None) -> None:
    """Let it be read whole now."""
    column = {1: (Guild, "roster_synced_at"), 2: (Server, "members_synced_at")}[subject or planted.subject]
    await setting(column[0], **{column[1]: planted.now})(planted)


async def unread_again(planted: Planted) -> None:
    """Let it be read, and then not for another four days."""
    await read_whole(planted)
    planted.wait(days=4)
    await read_whole(planted, 3 - planted.subject)


async def old_notes(ctx: Context, guild: int) -> Planted:
    """Plant notes that were read eight days ago, while roster and members were read now."""
    planted = Planted(ctx, guild, 3)
    await insert_key(ctx, guild)
    await upload(planted, planted.now)
    planted.wait(days=8)
    await read_whole(planted, 1)
    await read_whole(planted, 2)
    return planted


async def upload(planted: Planted, exported_at: datetime) -> None:
    """Let an export of that moment have been applied."""
    async with planted.ctx.sessions.begin() as session:
        key_id = (await session.scalars(sa.select(UploadKey.id))).one()
        session.add(
            Upload(
                public_id=f"upload-{exported_at:%d%H}",
                server_id=SERVER,
                guild_id=planted.guild,
                key_id=key_id,
                format=1,
                export_id=f"export-{exported_at:%d%H}",
                exported_at=exported_at,
                received_at=planted.now,
                officer_notes=True,
                row_count=1,
                state=UploadState.APPLIED,
                applied_at=planted.now,
                followed_at=planted.now,
            )
        )


async def held(ctx: Context, guild: int) -> Planted:
    """Plant the departure of Ana, which waits for an officer."""
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    planted = Planted(ctx, guild, SERVER, ana, bo)
    await hold(planted, ana)
    return planted


async def hold(planted: Planted, character_id: int) -> None:
    """Let a character be missing from the roster."""
    await insert(
        planted.ctx,
        HeldDeparture(guild_id=planted.guild, character_id=character_id, state=Departure.HELD, held_at=planted.now),
    )


def strange(kind: int, column: str) -> Callable[[Context, int], Awaitable[Planted]]:
    """Plant Ana, who is of something that Muster has no name for; races were read before."""

    async def plant(ctx: Context, guild: int) -> Planted:
        [ana] = await insert_characters(ctx, guild, "Ana")
        planted = Planted(ctx, guild, kind * 10_000_000 + UNKNOWN, ana)
        async with ctx.sessions.begin() as session:
            await session.merge(Race(id=1, name="Human"))
        await setting(Character, Character.id == ana, **{column: UNKNOWN})(planted)
        return planted

    return plant


def named(row: Callable[[], Base]) -> Change:
    """Let the game's data name it."""

    async def change(planted: Planted) -> None:
        await insert(planted.ctx, row())

    return change


_OF_ROLES: Mapping[str, Change] = {
    "a role is on its way": plan_role,
    "their rank has no role any more": setting(GuildRank, GuildRank.rank_index == 1, role_id=None),
    "their link is no proof any more": UNPROVEN,
    "the character left the guild": ana_leaves,
    "the character is not theirs any more": unlink,
    "the member left": going(1),
}

CAUSES = (
    Cause(
        "role_mismatch",
        with_wrong_role,
        {
            **_OF_ROLES,
            "they hold the role of their rank": holding(OFFICERS, RAIDERS),
            "they hold no rank's role": holding(),
            "an officer sets their rank": overrule,
        },
        {
            "they hold another rank's": one_after_another(
                lambda planted: map_rank(planted.ctx, planted.guild, 4, 34), holding(34)
            )
        },
    ),
    Cause(
        "no_guild_role",
        ranked,
        {
            **_OF_ROLES,
            "they hold the role of their rank": holding(OFFICERS),
            "they hold another rank's role": holding(RAIDERS),
            "they are in rules screening": holding(pending=True),
        },
        {"the rank has another role": setting(GuildRank, GuildRank.rank_index == 1, role_id=OTHER)},
    ),
    Cause(
        "unmapped_rank",
        unmapped,
        {
            "it has a role": setting(GuildRank, GuildRank.rank_index == 7, role_id=RAIDERS),
            "no other has one either": setting(GuildRank, role_id=None),
            "no character has it any more": ana_leaves,
        },
        {"it is another rank by its name": setting(GuildRank, GuildRank.rank_index == 7, name="Social")},
    ),
    Cause(
        "stale_character",
        stale,
        {
            "it was played": log_in,
            "its player is on hiatus": go_away,
            "the server waits longer": setting(Server, stale_days=91),
            "it left the guild": ana_leaves,
        },
        {"it was played meanwhile": log_in_between},
    ),
    *(
        Cause(
            "stale_data",
            unread(subject),
            {
                "it is read whole": read_whole,
                "the server waits longer": setting(Server, data_days=5),
            },
            {"it was read meanwhile": unread_again},
        )
        for subject in (1, 2)
    ),
    Cause(
        "stale_data",
        old_notes,
        {
            "an upload comes": lambda planted: upload(planted, planted.now),
            "nobody has a key any more": setting(UploadKey, revoked_at=datetime(2026, 1, 2, tzinfo=UTC)),
            "the server waits longer": setting(Server, note_days=30),
        },
        {"an upload came meanwhile": lambda planted: upload(planted, planted.now - timedelta(days=7, hours=1))},
    ),
    Cause(
        "held_departures",
        held,
        {
            "an officer keeps them": setting(HeldDeparture, state=Departure.KEPT),
            "they are back, or an officer lets them go": deleting(HeldDeparture),
        },
        {"another one waits too": lambda planted: hold(planted, planted.bo)},
    ),
    Cause(
        "unknown_reference",
        strange(1, "class_id"),
        {
            "the game names it": named(lambda: CharacterClass(id=UNKNOWN, name="Tinker", colour="AABBCC")),
            "its last character left the guild": ana_leaves,
        },
    ),
    Cause(
        "unknown_reference",
        strange(2, "spec_id"),
        {
            "the game names it": named(
                lambda: Specialization(id=UNKNOWN, class_id=1, name="Gadgets", default_role_id=1)
            ),
            "its last character chose another": setting(Character, spec_id=None),
            "its last character left the guild": ana_leaves,
        },
    ),
    Cause(
        "unknown_reference",
        strange(3, "race_id"),
        {
            "the game names it": named(lambda: Race(id=UNKNOWN, name="Ogre")),
            "its last character left the guild": ana_leaves,
        },
    ),
)
