"""Members' word that no rule may match them: when it was given, and what rules left about them."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.lookups import members_of, player_of
from db.tables.identity import LinkContradiction, NoteAlias
from db.tables.people import Member, PlayerMember

ACCOUNTS = f"""
    SELECT own.user_id
    FROM guild_identity.discord_users AS gone
    CROSS JOIN {player_of("gone.user_id")} AS attached
    CROSS JOIN {members_of("attached.player_id")} AS own
    WHERE gone.server_id = :server_id AND gone.opted_out_at IS NOT NULL
"""  # noqa: S608 (pieces of SQL of ours)
"""All accounts of the players of whom one opted out: what a rule finds for another account would be theirs too."""


async def accounts(session: AsyncSession, server_id: int) -> frozenset[int]:
    """Load all accounts of the players of whom one opted out, also where that one has left since."""
    return frozenset(await session.scalars(sa.text(ACCOUNTS), {"server_id": server_id}))


async def member(session: AsyncSession, server_id: int, user_id: int) -> Member | None:
    """Load a member as it stands now, to change it."""
    return await session.get(Member, (server_id, user_id), with_for_update=True, populate_existing=True)


async def detach(session: AsyncSession, server_id: int, user_id: int) -> None:
    """Take a member from their player; nothing happens to who has none."""
    await session.execute(
        sa.delete(PlayerMember).where(PlayerMember.server_id == server_id, PlayerMember.user_id == user_id)
    )


# The confidence of a suggestion is about its first candidate: it goes with that one.
DROP_SUGGESTED = sa.text(
    """
    WITH named AS (
        SELECT suggestion.character_id, (
            SELECT coalesce(jsonb_agg(candidate ORDER BY place), '[]')
            FROM jsonb_array_elements(suggestion.candidates) WITH ORDINALITY AS one (candidate, place)
            WHERE CAST(candidate ->> 'user_id' AS bigint) <> :user_id
        ) AS others
        FROM guild_identity.link_suggestions AS suggestion
        WHERE suggestion.server_id = :server_id
            AND suggestion.candidates @> jsonb_build_array(jsonb_build_object('user_id', CAST(:user_id AS bigint)))
    ), deleted AS (
        DELETE FROM guild_identity.link_suggestions AS suggestion USING named
        WHERE suggestion.server_id = :server_id AND suggestion.character_id = named.character_id
            AND named.others = '[]'
    )
    UPDATE guild_identity.link_suggestions AS suggestion
    SET candidates = named.others,
        confidence = CASE WHEN suggestion.candidates -> 0 = named.others -> 0 THEN suggestion.confidence END
    FROM named
    WHERE suggestion.server_id = :server_id AND suggestion.character_id = named.character_id AND named.others <> '[]'
    """
)


async def drop_suggested(session: AsyncSession, server_id: int, user_id: int) -> None:
    """Take a member out of all suggestions, and with its last candidate the suggestion."""
    await session.execute(DROP_SUGGESTED, {"server_id": server_id, "user_id": user_id})


async def drop_contradictions(session: AsyncSession, server_id: int, user_id: int) -> None:
    """Forget the contradictions that name a member; matching finds again what stands without them."""
    await session.execute(
        sa.delete(LinkContradiction).where(
            LinkContradiction.server_id == server_id, LinkContradiction.user_ids.any_() == user_id
        )
    )


async def drop_aliases(session: AsyncSession, server_id: int, user_id: int) -> list[str]:
    """Delete what officers said about which names in notes mean a member; give those names, in order."""
    dropped = await session.scalars(
        sa.delete(NoteAlias)
        .where(NoteAlias.server_id == server_id, NoteAlias.user_id == user_id)
        .returning(NoteAlias.alias)
    )
    return sorted(dropped)
