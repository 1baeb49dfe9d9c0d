"""What the rules about ranks and the roles that stand for them detect."""

from collections.abc import Mapping

from db.detections_parts import CHARACTERS, MAPPED_ROLES
from db.lookups import character, characters_of, in_guild, player_of, present
from db.ranks import PLAYER_RANKS, PROOFS

_ON_ITS_WAY = f"""
    SELECT attached.player_id
    FROM guild_identity.role_changes AS change
    CROSS JOIN {player_of("change.user_id")} AS attached
    WHERE change.server_id = :server_id AND change.state = 'planned'
"""  # noqa: S608 (pieces of SQL of ours)
"""The players with a member of whom a role is about to be changed."""

_PLAYER_ROLES = f"""
    SELECT ranked.player_id AS subject_id,
        concat(expected.role_id, ' ', array_to_string(held.role_ids, ' ')) AS fingerprint, jsonb_build_object(
            'name', (
                SELECT c.name
                FROM {characters_of("ranked.player_id")} AS owned
                CROSS JOIN {in_guild("owned.character_id")} AS membership
                CROSS JOIN {character("owned.character_id")} AS c
                WHERE owned.source IN ({PROOFS})
                ORDER BY membership.rank, c.level DESC, c.id LIMIT 1
            ),
            'user_ids', ranked.user_ids, 'rank', ranked.rank, 'rank_name', expected.name,
            'expected_role_id', expected.role_id, 'held_role_ids', held.role_ids
        ) AS facts
    FROM ({PLAYER_RANKS}) AS ranked
    JOIN guild_identity.guild_ranks AS expected
        ON (expected.server_id, expected.guild_id, expected.rank_index) = (:server_id, :guild_id, ranked.rank)
        AND expected.role_id IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT role_id ORDER BY role_id), ARRAY[]::bigint[]) AS role_ids
        FROM unnest(ranked.user_ids) AS attached (user_id)
        CROSS JOIN {present("attached.user_id")} AS holder
        CROSS JOIN unnest(holder.role_ids) AS role_id
        WHERE role_id IN ({MAPPED_ROLES})
    ) AS held
    WHERE ranked.player_id NOT IN ({_ON_ITS_WAY})
"""  # noqa: S608 (pieces of SQL of ours)
"""Each proven player whose rank has a role, with the mapped roles that any of their members holds."""

DETECTIONS: Mapping[str, str] = {
    # Whose rank an officer has set apart from the game may well keep the role that goes with the game's.
    "role_mismatch": f"""
        {_PLAYER_ROLES}
        AND NOT ranked.overridden AND held.role_ids <> '{{}}' AND expected.role_id <> ALL (held.role_ids)
    """,
    # Who is still in rules screening waits until it clears.
    "no_guild_role": f"{_PLAYER_ROLES} AND held.role_ids = '{{}}' AND NOT ranked.pending",
    "unmapped_rank": f"""
        SELECT CAST(membership.rank AS bigint) AS subject_id, coalesce(min(named.name), '') AS fingerprint,
            jsonb_build_object(
                'rank', membership.rank, 'rank_name', min(named.name), 'characters', count(*)
            ) AS facts
        {CHARACTERS} AND EXISTS ({MAPPED_ROLES})
        GROUP BY membership.rank
        HAVING count(named.role_id) = 0
    """,
}
