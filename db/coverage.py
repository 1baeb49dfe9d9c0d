"""How much of a guild and its server is linked: counts, in a fixed number of statements."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.links import Confidence, Source


@dataclass(frozen=True, slots=True)
class CharacterCount:
    """How many characters of a rank are linked in one way.

    `source` None: not linked; then `suggested` tells whether a suggestion waits. `proven` needs a proven member too.
    """

    rank: int
    source: Source | None
    confidence: Confidence | None
    proven: bool
    suggested: bool
    count: int


@dataclass(frozen=True, slots=True)
class MemberCount:
    """How many members are players in one way; `source` None: no player."""

    source: Source | None
    confidence: Confidence | None
    opted_out: bool
    count: int


@dataclass(frozen=True, slots=True)
class PlayerCount:
    """How many players with a character in the guild are known in one way: by the strongest of those characters.

    `proven` and `here` need a member who is in the server.
    """

    source: Source
    confidence: Confidence
    proven: bool
    here: bool
    count: int


@dataclass(frozen=True, slots=True)
class WaitingCounts:
    """Count what waits or stands beside the links.

    Suggestions, those of them that only the mode keeps from linking, groups of alts and the characters in them, links
    that something speaks against, and claims that wait for an officer.
    """

    suggestions: int
    would_link: int
    groups: int
    grouped: int
    contradictions: int
    claims: int


@dataclass(frozen=True, slots=True)
class SuggestionVerdicts:
    """Count what people said of a rule's mere suggestions."""

    confirmed: int
    rejected: int


CHARACTERS = sa.text(
    """
    SELECT membership.rank, owned.source, owned.confidence,
        COALESCE(owned.source = ANY(:proofs) AND EXISTS (
            SELECT FROM guild_identity.player_members AS attached
            WHERE attached.server_id = owned.server_id AND attached.player_id = owned.player_id
                AND attached.source = ANY(:proofs)
        ), false) AS proven,
        owned.source IS NULL AND suggestion.character_id IS NOT NULL AS suggested,
        count(*)::int AS count
    FROM common.guild_memberships AS membership
    LEFT JOIN guild_identity.player_characters AS owned
        ON owned.server_id = :server_id AND owned.character_id = membership.character_id
    LEFT JOIN guild_identity.link_suggestions AS suggestion
        ON suggestion.server_id = :server_id AND suggestion.character_id = membership.character_id
    WHERE membership.guild_id = :guild_id AND membership.left_at IS NULL
    GROUP BY 1, 2, 3, 4, 5
    ORDER BY 1, 2, 3
    """
)
MEMBERS = sa.text(
    """
    SELECT attached.source, attached.confidence, member.opted_out_at IS NOT NULL AS opted_out, count(*)::int AS count
    FROM guild_identity.discord_users AS member
    LEFT JOIN guild_identity.player_members AS attached
        ON attached.server_id = member.server_id AND attached.user_id = member.user_id
    WHERE member.server_id = :server_id AND member.left_at IS NULL
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
    """
)
PLAYERS = sa.text(
    """
    SELECT source, confidence, proven, here, count(*)::int AS count
    FROM (
        SELECT owned.player_id,
            (array_agg(owned.source ORDER BY array_position(:strongest, owned.source::text)))[1] AS source,
            (array_agg(owned.confidence ORDER BY array_position(:strongest, owned.source::text),
                array_position(:surest, owned.confidence::text)))[1] AS confidence,
            bool_or(owned.source = ANY(:proofs) AND COALESCE(people.proven, false)) AS proven,
            bool_or(people.player_id IS NOT NULL) AS here
        FROM guild_identity.player_characters AS owned
        JOIN common.guild_memberships AS membership
            ON membership.character_id = owned.character_id
            AND membership.guild_id = :guild_id AND membership.left_at IS NULL
        LEFT JOIN (
            SELECT attached.player_id, bool_or(attached.source = ANY(:proofs)) AS proven
            FROM guild_identity.player_members AS attached
            JOIN guild_identity.discord_users AS member
                ON member.server_id = attached.server_id AND member.user_id = attached.user_id
                AND member.left_at IS NULL
            WHERE attached.server_id = :server_id
            GROUP BY attached.player_id
        ) AS people ON people.player_id = owned.player_id
        WHERE owned.server_id = :server_id
        GROUP BY owned.player_id
    ) AS player
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    """
).bindparams(sa.bindparam("strongest", type_=ARRAY(sa.Text)), sa.bindparam("surest", type_=ARRAY(sa.Text)))
WAITING = sa.text(
    """
    SELECT suggestions, would_link, groups, grouped, contradictions, claims
    FROM (
        SELECT count(*)::int AS suggestions, count(confidence)::int AS would_link
        FROM guild_identity.link_suggestions AS suggestion
        WHERE server_id = :server_id AND NOT EXISTS (
            SELECT FROM guild_identity.player_characters AS owned
            WHERE owned.server_id = suggestion.server_id AND owned.character_id = suggestion.character_id
        )
    ) AS waiting,
    (
        SELECT count(DISTINCT group_id)::int AS groups, count(*)::int AS grouped
        FROM guild_identity.alt_groups WHERE server_id = :server_id
    ) AS grouped,
    (
        SELECT count(*)::int AS contradictions
        FROM guild_identity.link_contradictions AS found
        JOIN guild_identity.player_characters AS owned
            ON (owned.server_id, owned.character_id) = (found.server_id, found.character_id)
        WHERE found.server_id = :server_id
    ) AS contradicted,
    (
        SELECT count(*)::int AS claims FROM guild_identity.link_claims WHERE server_id = :server_id AND state = 'open'
    ) AS claimed
    """
)
SUGGESTED = sa.text(
    """
    SELECT rule, count(*) FILTER (WHERE verdict = 'confirmed')::int, count(*) FILTER (WHERE verdict = 'rejected')::int
    FROM guild_identity.rule_verdicts
    WHERE server_id = :server_id AND NOT was_linked
    GROUP BY rule
    """
)
_PROOFS = [source.value for source in Source if source.is_proof]


async def characters(session: AsyncSession, server_id: int, guild_id: int) -> list[CharacterCount]:
    """Count the characters of a guild by rank and by how this server links them."""
    found = await session.execute(CHARACTERS, {"server_id": server_id, "guild_id": guild_id, "proofs": _PROOFS})
    return [
        CharacterCount(rank, *_graded(source, confidence), proven, suggested, count)
        for rank, source, confidence, proven, suggested, count in found
    ]


async def members(session: AsyncSession, server_id: int) -> list[MemberCount]:
    """Count the members who are here by how they are linked."""
    found = await session.execute(MEMBERS, {"server_id": server_id})
    return [
        MemberCount(*_graded(source, confidence), opted_out, count) for source, confidence, opted_out, count in found
    ]


async def players(session: AsyncSession, server_id: int, guild_id: int) -> list[PlayerCount]:
    """Count the players with a character in the guild by how they are known."""
    found = await session.execute(
        PLAYERS,
        {
            "server_id": server_id,
            "guild_id": guild_id,
            "proofs": _PROOFS,
            "strongest": [source.value for source in sorted(Source, reverse=True)],
            "surest": [confidence.value for confidence in Confidence],
        },
    )
    return [
        PlayerCount(Source(source), Confidence(confidence), proven, here, count)
        for source, confidence, proven, here, count in found
    ]


async def waiting(session: AsyncSession, server_id: int) -> WaitingCounts:
    """Count suggestions, alt groups, contradictions and claims."""
    return WaitingCounts(*(await session.execute(WAITING, {"server_id": server_id})).one())


async def suggestion_verdicts(session: AsyncSession, server_id: int) -> dict[str, SuggestionVerdicts]:
    """Count what people said of suggestions, by rule."""
    found = await session.execute(SUGGESTED, {"server_id": server_id})
    return {rule: SuggestionVerdicts(confirmed, rejected) for rule, confirmed, rejected in found}


def _graded(source: str | None, confidence: str | None) -> tuple[Source | None, Confidence | None]:
    return (
        None if source is None else Source(source),
        None if confidence is None else Confidence(confidence),
    )
