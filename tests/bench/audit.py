"""An audit: the product's statements per rule beside a look at each subject, first and when nothing changed."""

import time
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.services import audit
from bot.services.context import Context
from db import members
from db.engine import create_engine, create_sessions
from db.members import MemberFacts
from db.tables.audit import Issue
from db.tables.guilds import Character, Guild, Membership
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember
from db.tables.servers import GuildRank, Server, ServerGuild
from domain.audit import RULES, Severity, State, SubjectKind
from domain.links import Confidence, Source
from domain.names import fold
from domain.regions import Region
from tests.bench.data import HOME, letters, row_versions
from tests.bench.figures import Figure

SIZE = 1000
PROVEN = 400
"""So many of the members own the character of their number, by an officer's word."""
ROUNDS = 5
WORK = f"audit of {SIZE:,} x {SIZE:,}"
TABLES = ("guild_identity.audit_issues", "guild_identity.action_log")
CHARACTERS = "orphan_wow", SubjectKind.CHARACTER
MEMBERS = "orphan_discord", SubjectKind.MEMBER
FIRST_CHARACTER = 20_000_000
FIRST_MEMBER = 100_000
FIRST_SERVER = 50_000
FIRST_ROLE = 60_000
MAPPED_RANKS = 8
STALE = timedelta(days=90)
SAVEPOINT = "SAVEPOINT"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one audit cost; `per_rule` counts the statements of the costliest rule."""

    seconds: float
    per_rule: int
    opened: int


async def measure(url: str) -> list[Figure]:
    """Audit servers with much to find, first, again and in the plain way; the figures are medians."""
    engine = create_engine(url)
    ctx = Context(create_sessions(engine))
    guild_id, character_ids = await _insert_guild(ctx)
    first, again, apart = [], [], []
    written = 0
    for number in range(ROUNDS):
        server_id = await _insert_server(ctx, guild_id, character_ids, 2 * number)
        first.append(await _audit(ctx, engine, server_id))
        before = await row_versions(ctx, *TABLES)
        again.append(await _audit(ctx, engine, server_id))
        written += len(before ^ await row_versions(ctx, *TABLES))
        other_id = await _insert_server(ctx, guild_id, character_ids, 2 * number + 1)
        apart.append(await _one_by_one(ctx, other_id, guild_id))
    await engine.dispose()
    at_first, repeated = (median(cost.seconds for cost in costs) for costs in (first, again))
    plain = median(seconds for seconds, _ in apart)
    return [
        Figure(WORK, "rules", len(RULES)),
        Figure(WORK, "findings", first[0].opened),
        Figure(WORK, "first", at_first * 1000, "ms"),
        Figure(WORK, "repeat", repeated * 1000, "ms"),
        Figure(WORK, "two of the rules, one by one", plain * 1000, "ms"),
        Figure(WORK, "findings, one by one", apart[0][1]),
        Figure(WORK, "times faster, all rules", plain / at_first),
        Figure(WORK, "statements a rule, first", max(cost.per_rule for cost in first), at_most=3),
        Figure(WORK, "statements a rule, repeat", max(cost.per_rule for cost in again), at_most=3),
        Figure(WORK, "rows written, repeat", written, at_most=0),
    ]


async def _audit(ctx: Context, engine: AsyncEngine, server_id: int) -> Cost:
    rules: list[int] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        # Each rule stands between a savepoint and its release.
        if statement.startswith(SAVEPOINT):
            rules.append(0)
        elif rules and "SAVEPOINT" not in statement:
            rules[-1] += 1

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    start = time.perf_counter()
    async with ctx.sessions.begin() as session:
        outcome = await audit.run_rules(ctx, session, server_id=server_id)
    seconds = time.perf_counter() - start
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    if outcome.failed or len(rules) != len(RULES):
        raise RuntimeError(f"{outcome.failed} failed, {len(rules)} rules were seen")
    rules[-1] -= 1  # what stands in the end is counted once for all rules
    return Cost(seconds, max(rules), outcome.opened)


async def _one_by_one(ctx: Context, server_id: int, guild_id: int) -> tuple[float, int]:
    """Look at each character and each member as it is usually done: is it linked, is it known, store it."""
    start = time.perf_counter()
    async with ctx.sessions.begin() as session:
        characters = await session.scalars(
            sa.select(Membership.character_id).where(Membership.guild_id == guild_id, Membership.left_at.is_(None))
        )
        opened = 0
        for character_id in characters.all():
            link = sa.select(PlayerMember.user_id).join(
                PlayerCharacter,
                sa.and_(
                    PlayerCharacter.server_id == PlayerMember.server_id,
                    PlayerCharacter.player_id == PlayerMember.player_id,
                ),
            )
            mine = link.where(PlayerCharacter.server_id == server_id, PlayerCharacter.character_id == character_id)
            if await session.scalar(mine) is None:
                opened += await _open_one(
                    ctx, session, server_id, "orphan_wow", kind=SubjectKind.CHARACTER, subject_id=character_id
                )
        present = await session.scalars(sa.select(Member.user_id).where(Member.server_id == server_id))
        for user_id in present.all():
            attached = sa.select(PlayerMember.player_id).where(
                PlayerMember.server_id == server_id, PlayerMember.user_id == user_id
            )
            if await session.scalar(attached) is None:
                opened += await _open_one(
                    ctx, session, server_id, "orphan_discord", kind=SubjectKind.MEMBER, subject_id=user_id
                )
    return time.perf_counter() - start, opened


async def _open_one(
    ctx: Context, session: AsyncSession, server_id: int, rule: str, kind: SubjectKind, *, subject_id: int
) -> bool:
    known = sa.select(Issue.id).where(
        Issue.server_id == server_id, Issue.rule == rule, Issue.subject_id == subject_id, Issue.state != State.RESOLVED
    )
    if await session.scalar(known) is not None:
        return False
    finding = {
        "public_id": ctx.new_public_id(),
        "server_id": server_id,
        "rule": rule,
        "rule_version": 1,
        "severity": Severity.WARNING,
        "subject_kind": kind,
        "subject_id": subject_id,
        "fingerprint": "",
        "facts": {},
        "state": State.OPEN,
        "opened_at": ctx.clock(),
    }
    await session.execute(sa.insert(Issue).values(**finding))
    return True


async def _insert_guild(ctx: Context) -> tuple[int, list[int]]:
    """Insert a guild whose every second character is stale; give its id and theirs."""
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        guild = Guild(
            region=Region.EU,
            realm_id=HOME.id,
            realm_slug=HOME.slug,
            realm_name=HOME.name,
            blizzard_id=9_000,
            name="Audited",
            slug="audited",
            created_at=now,
            roster_synced_at=now,
        )
        made = [
            Character(
                region=Region.EU,
                realm_id=HOME.id,
                blizzard_id=FIRST_CHARACTER + number,
                name=letters(FIRST_CHARACTER + number),
                name_key=fold(letters(FIRST_CHARACTER + number)),
                realm_slug=HOME.slug,
                class_id=1,
                level=90,
                last_login_at=now - STALE * (number % 2),
                first_seen_at=now,
            )
            for number in range(SIZE)
        ]
        session.add_all([guild, *made])
        await session.flush()
        session.add_all(
            Membership(guild_id=guild.id, character_id=one.id, rank=number % 10, joined_at=now)
            for number, one in enumerate(made)
        )
        return guild.id, [one.id for one in made]


async def _insert_server(ctx: Context, guild_id: int, character_ids: list[int], number: int) -> int:
    """Insert a server that follows the guild: some proven members hold their rank's role, others another or none."""
    server_id = FIRST_SERVER + number
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        session.add(Server(id=server_id, name="Audited", created_at=now, members_synced_at=now))
        await session.flush()
        session.add(ServerGuild(server_id=server_id, guild_id=guild_id, followed_at=now))
        await session.flush()
        session.add_all(
            GuildRank(server_id=server_id, guild_id=guild_id, rank_index=rank, role_id=FIRST_ROLE + rank)
            for rank in range(MAPPED_RANKS)
        )
        await members.upsert(session, server_id, [_member(one) for one in range(SIZE)], as_of=now)
        players = [Player(server_id=server_id, public_id=ctx.new_public_id(), created_at=now) for _ in range(PROVEN)]
        session.add_all(players)
        await session.flush()
        half = {"server_id": server_id, "source": Source.OFFICER, "confidence": Confidence.HIGH, "linked_at": now}
        half["evidence"] = {}
        for player, one in zip(players, range(PROVEN), strict=True):
            session.add(PlayerMember(user_id=FIRST_MEMBER + one, player_id=player.id, **half))
            session.add(PlayerCharacter(character_id=character_ids[one], player_id=player.id, **half))
    return server_id


def _member(number: int) -> MemberFacts:
    rank = number % 10
    role = {0: rank, 1: (rank + 1) % MAPPED_RANKS}.get(number % 3)
    return MemberFacts(
        user_id=FIRST_MEMBER + number,
        username=f"member {number}",
        global_name=None,
        nick=None,
        role_ids=() if role is None else (FIRST_ROLE + role,),
        pending=False,
        joined_at=None,
    )
