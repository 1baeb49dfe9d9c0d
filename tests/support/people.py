"""Servers, guilds, characters and members as a test needs them, written straight into the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import sqlalchemy as sa

from bot.services.context import Context
from db import members
from db.members import MemberFacts
from db.tables.audit import Action, Issue
from db.tables.guilds import Character, Guild, Membership
from db.tables.identity import CharacterNote, LinkSuggestion
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember
from db.tables.runs import SyncRun
from db.tables.servers import GuildRank, Server, ServerGuild
from domain.links import Confidence, Source
from domain.names import fold
from domain.regions import Region
from domain.runs import RunSource, RunStatus, Trigger

SERVER = 100
CHANNEL = 900
OFFICER = 7

_blizzard_ids = count(1_000)


@dataclass(frozen=True, slots=True)
class Toon:
    """A character to be: its name, realm slug and rank."""

    name: str
    realm: str = "stormrage"
    rank: int = 5


def facts(user_id: int, username: str | None = None, **others: Any) -> MemberFacts:
    """Make a member's facts; without a name one that no character bears."""
    values: dict[str, Any] = {
        "username": username or f"user {user_id}",
        "global_name": None,
        "nick": None,
        "role_ids": (),
        "pending": False,
        "joined_at": datetime.fromisoformat("2025-05-05T05:05:05.000005+00:00"),
    }
    return MemberFacts(user_id, **(values | others))


async def insert_server(
    ctx: Context, server_id: int = SERVER, *, members_synced: bool = True, channel_id: int | None = None
) -> int:
    """Insert a server; give its id."""
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        session.add(
            Server(
                id=server_id,
                name=f"Server {server_id}",
                created_at=now,
                audit_channel_id=channel_id,
                members_synced_at=now if members_synced else None,
            )
        )
    return server_id


async def insert_guild(ctx: Context, *followers: int, name: str = "Raiders of Dawn", roster_synced: bool = True) -> int:
    """Insert a guild that these servers follow, instead of any other; give its id."""
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        guild = Guild(
            region=Region.EU,
            realm_id=60,
            realm_slug="stormrage",
            realm_name="Stormrage",
            blizzard_id=next(_blizzard_ids),
            name=name,
            slug=name.lower().replace(" ", "-"),
            created_at=now,
            roster_synced_at=now if roster_synced else None,
        )
        session.add(guild)
        await session.execute(sa.delete(ServerGuild).where(ServerGuild.server_id.in_(followers)))
        await session.flush()
        session.add_all(ServerGuild(server_id=server_id, guild_id=guild.id, followed_at=now) for server_id in followers)
        return guild.id


async def insert_characters(ctx: Context, guild_id: int, *toons: Toon | str) -> list[int]:
    """Insert characters with an open membership in a guild; give their ids in the same order."""
    wanted = [Toon(toon) if isinstance(toon, str) else toon for toon in toons]
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        made = [
            Character(
                region=Region.EU,
                realm_id=60,
                blizzard_id=next(_blizzard_ids),
                name=toon.name,
                name_key=fold(toon.name),
                realm_slug=toon.realm,
                class_id=1,
                level=80,
                first_seen_at=now,
            )
            for toon in wanted
        ]
        session.add_all(made)
        await session.flush()
        session.add_all(
            Membership(guild_id=guild_id, character_id=one.id, rank=toon.rank, joined_at=now)
            for one, toon in zip(made, wanted, strict=True)
        )
        return [one.id for one in made]


async def insert_run(ctx: Context, server_id: int = SERVER) -> int:
    """Insert a member run that ended well; give its id."""
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        run = SyncRun(
            source=RunSource.DISCORD_BOT,
            status=RunStatus.SUCCESS,
            trigger=Trigger.TIMER,
            server_id=server_id,
            owner="test",
            started_at=now,
            heartbeat_at=now,
            finished_at=now,
            counts={},
        )
        session.add(run)
        await session.flush()
        return run.id


async def leave_guild(ctx: Context, character_id: int) -> None:
    """End a character's membership."""
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.update(Membership).where(Membership.character_id == character_id).values(left_at=ctx.clock())
        )


async def rename_character(ctx: Context, character_id: int, name: str) -> None:
    """Give a character another name."""
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.update(Character).where(Character.id == character_id).values(name=name, name_key=fold(name))
        )


async def insert_members(ctx: Context, *found: MemberFacts, server_id: int = SERVER) -> None:
    """Insert members of a server."""
    async with ctx.sessions.begin() as session:
        await members.upsert(session, server_id, found, as_of=ctx.clock())


async def insert_player(
    ctx: Context,
    character_ids: Sequence[int],
    user_ids: Sequence[int],
    *,
    server_id: int = SERVER,
    source: Source = Source.OFFICER,
    inferred: Sequence[int] = (),
) -> int:
    """Insert a player with characters and members by one source, and with characters that only a name suggests."""
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        player = Player(server_id=server_id, public_id=ctx.new_public_id(), created_at=now)
        session.add(player)
        await session.flush()
        half = {"server_id": server_id, "player_id": player.id, "evidence": {}, "linked_at": now}
        sources = {**dict.fromkeys(character_ids, source), **dict.fromkeys(inferred, Source.NAME)}
        session.add_all(
            PlayerCharacter(character_id=id_, source=one, confidence=Confidence.HIGH, **half)
            for id_, one in sources.items()
        )
        session.add_all(
            PlayerMember(user_id=id_, source=source, confidence=Confidence.HIGH, **half) for id_ in user_ids
        )
        return player.id


async def insert_note(
    ctx: Context,
    character_id: int,
    guild_note: str | None = None,
    officer_note: str | None = None,
    *,
    server_id: int = SERVER,
) -> None:
    """Let a character have these notes on a server, whatever they were; None is unknown."""
    async with ctx.sessions.begin() as session:
        note = await session.get(CharacterNote, (server_id, character_id))
        if note is None:
            session.add(note := CharacterNote(server_id=server_id, character_id=character_id))
        note.guild_note, note.officer_note = guild_note, officer_note


async def map_rank(ctx: Context, guild_id: int, rank: int, role_id: int | None, server_id: int = SERVER) -> None:
    """Let a server map one of its guild's ranks to a role."""
    async with ctx.sessions.begin() as session:
        session.add(GuildRank(server_id=server_id, guild_id=guild_id, rank_index=rank, role_id=role_id))


async def load_member(ctx: Context, user_id: int, server_id: int = SERVER) -> Member | None:
    """Load a member as stored."""
    async with ctx.sessions() as session:
        return await session.get(Member, (server_id, user_id))


async def load_links(ctx: Context, server_id: int = SERVER) -> dict[int, set[int]]:
    """Load which members each linked character belongs to, by character id."""
    async with ctx.sessions() as session:
        pairs = await session.execute(
            sa.select(PlayerCharacter.character_id, PlayerMember.user_id)
            .outerjoin(
                PlayerMember,
                sa.and_(
                    PlayerMember.server_id == PlayerCharacter.server_id,
                    PlayerMember.player_id == PlayerCharacter.player_id,
                ),
            )
            .where(PlayerCharacter.server_id == server_id)
        )
    found: dict[int, set[int]] = {}
    for character_id, user_id in pairs:
        found.setdefault(character_id, set()).update(() if user_id is None else (user_id,))
    return found


async def load_suggestions(ctx: Context, server_id: int = SERVER) -> dict[int, LinkSuggestion]:
    """Load what is suggested, by character id."""
    async with ctx.sessions() as session:
        found = await session.scalars(sa.select(LinkSuggestion).where(LinkSuggestion.server_id == server_id))
        return {one.character_id: one for one in found}


async def load_actions(ctx: Context, action: str, server_id: int = SERVER) -> Sequence[Action]:
    """Load what the log tells of one kind of action, oldest first."""
    async with ctx.sessions() as session:
        found = await session.scalars(
            sa.select(Action).where(Action.server_id == server_id, Action.action == action).order_by(Action.id)
        )
        return found.all()


async def load_issues(ctx: Context, rule: str | None = None, server_id: int = SERVER) -> Sequence[Issue]:
    """Load all findings of a rule, or of all rules, resolved ones too, oldest first."""
    query = sa.select(Issue).where(Issue.server_id == server_id).order_by(Issue.id)
    async with ctx.sessions() as session:
        found = await session.scalars(query if rule is None else query.where(Issue.rule == rule))
        return found.all()
