"""What matching looks at and leaves behind on a server, in a fixed number of statements whatever its size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import privacy, verdicts
from db.links import REJECTED
from db.recordset import rows, with_rows
from db.tables.identity import MatchingState
from domain.decision import Proposal
from domain.errors import NotFound
from domain.identity import Alias, Case, Character, Contradiction, Member, Owner
from domain.links import LinkMode, Source
from domain.trust import suggesting

# Looked up by whole keys (OFFSET 0): after a vacuum of tables that were nearly empty, joins are planned as loops.
CHARACTERS = """
    SELECT c.id, c.name, c.realm_slug, c.class_id, membership.rank, note.guild_note, note.officer_note
    FROM common.guild_memberships AS membership
    CROSS JOIN LATERAL (
        SELECT found.id, found.name, found.realm_slug, found.class_id FROM common.wow_characters AS found
        WHERE found.id = membership.character_id
        OFFSET 0
    ) AS c
    LEFT JOIN LATERAL (
        SELECT found.guild_note, found.officer_note FROM guild_identity.character_notes AS found
        WHERE found.server_id = :server_id AND found.character_id = membership.character_id
        OFFSET 0
    ) AS note ON true
    WHERE membership.guild_id = {guild_id} AND membership.left_at IS NULL
"""
# A realm's name comes with a profile. It is shown and not matched: else, while a thousand profiles are read, matching
# would begin again and again.
SHOWN = f"""
    SELECT matched.*, c.realm_name FROM ({CHARACTERS}) AS matched JOIN common.wow_characters AS c ON c.id = matched.id
"""  # noqa: S608 (a query of this module)
MEMBERS = f"""
    SELECT member.user_id, member.username, member.global_name, member.nick,
        member.pending OR member.opted_out_at IS NOT NULL OR member.user_id IN ({privacy.ACCOUNTS}) AS hidden,
        ARRAY(
            SELECT mapped.rank_index FROM guild_identity.guild_ranks AS mapped
            WHERE mapped.server_id = :server_id AND mapped.guild_id = {{guild_id}}
                AND mapped.role_id = ANY (member.role_ids)
            ORDER BY mapped.rank_index
        ) AS ranks
    FROM guild_identity.discord_users AS member
    WHERE member.server_id = :server_id AND member.left_at IS NULL
"""  # noqa: S608 (pieces of SQL of ours)
ALIASES = "SELECT alias_key, user_id, character_id FROM guild_identity.note_aliases WHERE server_id = :server_id"
VERDICTS = """
    SELECT rule, rule_version, character_id, user_id, verdict, was_linked FROM guild_identity.rule_verdicts
    WHERE server_id = :server_id
"""
CHARACTER_OWNERS = """
    SELECT character_id, player_id, source FROM guild_identity.player_characters WHERE server_id = :server_id
"""
MEMBER_OWNERS = "SELECT user_id, player_id, source FROM guild_identity.player_members WHERE server_id = :server_id"


def _hashes(*queries: str) -> str:
    """Give SQL for a text that changes whenever the rows of a query do, in whatever order they come."""
    guild_id = "(SELECT guild_id FROM ready)"
    one = "(SELECT concat(count(*), ':', sum(hashtextextended(row::text, 0))) FROM ({query}) AS row)"
    return ", ".join(one.format(query=query.format(guild_id=guild_id)) for query in queries)


LOOK = sa.text(
    f"""
    WITH ready AS (
        SELECT server.link_mode, guild.id AS guild_id, state.fingerprint AS known
        FROM guild_identity.servers AS server
        LEFT JOIN guild_identity.server_guilds AS followed ON followed.server_id = server.id
        LEFT JOIN common.guilds AS guild
            ON guild.id = followed.guild_id AND guild.roster_synced_at IS NOT NULL
            AND server.members_synced_at IS NOT NULL
        LEFT JOIN guild_identity.matching_state AS state ON state.server_id = server.id
        WHERE server.id = :server_id
    )
    SELECT link_mode, guild_id, known,
        concat_ws(' ', link_mode, guild_id, {_hashes(CHARACTERS, MEMBERS, ALIASES, REJECTED, VERDICTS)}) AS world,
        concat_ws(' ', {_hashes(CHARACTER_OWNERS, MEMBER_OWNERS)}) AS links
    FROM ready
    """  # noqa: S608 (queries of this module)
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is to match, in short.

    `guild_id` is None before the roster and the members were read whole. `world` stands for the rules and for what
    they look at, `links` for what they also write, `known` for both as the last matching left them.
    """

    mode: LinkMode
    guild_id: int | None
    world: str
    links: str
    known: str | None

    @property
    def fingerprint(self) -> str:
        """Give one text for all that matching looks at."""
        return blake2b(f"{self.world}|{self.links}".encode(), digest_size=16).hexdigest()

    @property
    def is_new(self) -> bool:
        """Tell whether anything is different from what the last matching left."""
        return self.fingerprint != self.known


@dataclass(frozen=True, slots=True)
class Loaded:
    """A server's case, and the names of its characters' realms by character."""

    case: Case
    realms: Mapping[int, str]


async def look(session: AsyncSession, server_id: int, *, rules: str) -> Looked:
    """Look whether anything changed for matching, in one statement; `rules` names them with their versions.

    Raises NotFound for a server that Muster was never in.
    """
    row = (await session.execute(LOOK, {"server_id": server_id})).one_or_none()
    if row is None:
        raise NotFound("Muster does not know this server yet. Try again in a minute.")
    return Looked(LinkMode(row.link_mode), row.guild_id, f"{rules} {row.world}", row.links, row.known)


async def load(session: AsyncSession, server_id: int, guild_id: int) -> Loaded:
    """Load all that matching looks at."""
    values = {"server_id": server_id, "guild_id": guild_id}

    async def read(query: str) -> Sequence[sa.Row[tuple[object, ...]]]:
        return (await session.execute(sa.text(query.format(guild_id=":guild_id")), values)).all()

    characters = await read(SHOWN)
    members = await read(MEMBERS)
    here = {row.id for row in characters}
    present = {row.user_id for row in members}
    case = Case(
        characters=tuple(
            Character(row.id, row.name, row.realm_slug, row.class_id, row.rank, row.guild_note, row.officer_note)
            for row in characters
        ),
        members=tuple(
            Member(row.user_id, row.username, row.global_name, row.nick, frozenset(row.ranks), row.hidden)
            for row in members
        ),
        character_owners={
            row.character_id: Owner(row.player_id, Source(row.source))
            for row in await read(CHARACTER_OWNERS)
            if row.character_id in here
        },
        member_owners={
            row.user_id: Owner(row.player_id, Source(row.source))
            for row in await read(MEMBER_OWNERS)
            if row.user_id in present
        },
        aliases=tuple(Alias(row.alias_key, row.user_id, row.character_id) for row in await read(ALIASES)),
        rejected=frozenset((row.character_id, row.user_id) for row in await read(REJECTED)),
        suggesting=suggesting(await verdicts.by_rule(session, server_id)),
    )
    return Loaded(case, {row.id: row.realm_name or row.realm_slug for row in characters})


# Whoever is among the candidates decides whether a suggestion is another one; what speaks for them may be said anew.
KEEP_SUGGESTIONS = with_rows(
    """
    WITH found AS (
        SELECT * FROM jsonb_to_recordset(:suggestions) AS row (character_id bigint, candidates jsonb, confidence text)
    ), gone AS (
        DELETE FROM guild_identity.link_suggestions
        WHERE server_id = :server_id AND character_id NOT IN (SELECT character_id FROM found)
    ), changed AS (
        SELECT found.*, known.suggested_at, known.later_at,
            jsonb_path_query_array(found.candidates, '$[*].user_id') AS now,
            jsonb_path_query_array(known.candidates, '$[*].user_id') AS before
        FROM found LEFT JOIN LATERAL (
            SELECT kept.* FROM guild_identity.link_suggestions AS kept
            WHERE kept.server_id = :server_id AND kept.character_id = found.character_id
            OFFSET 0
        ) AS known ON true
        WHERE known.character_id IS NULL
            OR (known.candidates, known.confidence) IS DISTINCT FROM (found.candidates, found.confidence)
    ), judged AS (
        SELECT *, before IS NOT NULL AND now @> before AND now <@ before AS is_old FROM changed
    ), written AS (
        INSERT INTO guild_identity.link_suggestions AS kept
            (server_id, character_id, candidates, confidence, run_id, suggested_at, later_at)
        SELECT :server_id, character_id, candidates, confidence, :run_id,
            CASE WHEN is_old THEN suggested_at ELSE :now END, CASE WHEN is_old THEN later_at END
        FROM judged
        ON CONFLICT (server_id, character_id) DO UPDATE SET
            candidates = excluded.candidates, confidence = excluded.confidence, run_id = excluded.run_id,
            suggested_at = excluded.suggested_at, later_at = excluded.later_at
    )
    SELECT count(*) FROM judged WHERE NOT is_old
    """,
    "suggestions",
).bindparams(sa.bindparam("now", type_=sa.DateTime(timezone=True)), sa.bindparam("run_id", type_=sa.BigInteger))

KEEP_GROUPS = with_rows(
    """
    WITH found AS (
        SELECT * FROM jsonb_to_recordset(:groups) AS row (character_id bigint, group_id bigint)
    ), gone AS (
        DELETE FROM guild_identity.alt_groups
        WHERE server_id = :server_id AND character_id NOT IN (SELECT character_id FROM found)
    )
    INSERT INTO guild_identity.alt_groups (server_id, character_id, group_id)
    SELECT :server_id, character_id, group_id FROM found
    WHERE (character_id, group_id) NOT IN (
        SELECT character_id, group_id FROM guild_identity.alt_groups WHERE server_id = :server_id
    )
    ON CONFLICT (server_id, character_id) DO UPDATE SET group_id = excluded.group_id
    """,
    "groups",
)

KEEP_CONTRADICTIONS = with_rows(
    """
    WITH found AS (
        SELECT * FROM jsonb_to_recordset(:contradictions)
            AS row (character_id bigint, user_ids bigint[], evidence jsonb)
    ), gone AS (
        DELETE FROM guild_identity.link_contradictions
        WHERE server_id = :server_id AND character_id NOT IN (SELECT character_id FROM found)
    )
    INSERT INTO guild_identity.link_contradictions (server_id, character_id, user_ids, evidence, found_at)
    SELECT :server_id, found.character_id, found.user_ids, found.evidence, coalesce(known.found_at, :now)
    FROM found LEFT JOIN LATERAL (
        SELECT kept.* FROM guild_identity.link_contradictions AS kept
        WHERE kept.server_id = :server_id AND kept.character_id = found.character_id
        OFFSET 0
    ) AS known ON true
    WHERE known.character_id IS NULL
        OR (known.user_ids, known.evidence) IS DISTINCT FROM (found.user_ids, found.evidence)
    ON CONFLICT (server_id, character_id) DO UPDATE SET
        user_ids = excluded.user_ids, evidence = excluded.evidence, found_at = excluded.found_at
    """,
    "contradictions",
).bindparams(sa.bindparam("now", type_=sa.DateTime(timezone=True)))


async def keep_suggestions(
    session: AsyncSession, server_id: int, proposals: Sequence[Proposal], *, run_id: int | None, now: datetime
) -> int:
    """Let these suggestions stand and no others; give how many are new, or name another member than before.

    One that is not stays put off for as long as it was.
    """
    suggestions = [
        {
            "character_id": one.suggestion.character_id,
            "candidates": [
                {"user_id": who.user_id, "evidence": [reason.to_json() for reason in who.evidence]}
                for who in one.suggestion.candidates
            ],
            "confidence": one.confidence,
        }
        for one in proposals
    ]
    values = {"server_id": server_id, "suggestions": rows(suggestions), "run_id": run_id, "now": now}
    return int((await session.execute(KEEP_SUGGESTIONS, values)).scalar_one())


async def keep_groups(session: AsyncSession, server_id: int, groups: Sequence[Sequence[int]]) -> None:
    """Let these groups of characters stand and no others, each named by its lowest character."""
    grouped = [{"character_id": one, "group_id": min(group)} for group in groups for one in group]
    await session.execute(KEEP_GROUPS, {"server_id": server_id, "groups": grouped})


async def keep_contradictions(
    session: AsyncSession, server_id: int, contradictions: Sequence[Contradiction], *, now: datetime
) -> None:
    """Let these contradictions stand and no others."""
    found = [
        {
            "character_id": one.character_id,
            "user_ids": sorted(one.user_ids),
            "evidence": [reason.to_json() for reason in one.evidence],
        }
        for one in contradictions
    ]
    values = {"server_id": server_id, "contradictions": rows(found), "now": now}
    await session.execute(KEEP_CONTRADICTIONS, values)


async def remember(
    session: AsyncSession, server_id: int, fingerprint: str, *, run_id: int | None, now: datetime
) -> None:
    """Remember what matching has looked at."""
    values = {"fingerprint": fingerprint, "matched_at": now, "run_id": run_id}
    await session.execute(
        insert(MatchingState)
        .values(server_id=server_id, **values)
        .on_conflict_do_update(index_elements=[MatchingState.server_id], set_=values)
    )
