"""The rank of each player of a server, in one piece of SQL that rules and cards share."""

from domain.links import Source

PROOFS = ", ".join(f"'{source.value}'" for source in Source if source.is_proof)

PLAYER_RANKS = f"""
    SELECT attached.player_id,
        coalesce(min(override.rank_index), min(membership.rank)) AS rank,
        min(override.rank_index) IS NOT NULL AS overridden,
        array_agg(DISTINCT attached.user_id) AS user_ids
    FROM guild_identity.player_members AS attached
    JOIN guild_identity.discord_users AS member
        ON (member.server_id, member.user_id) = (attached.server_id, attached.user_id) AND member.left_at IS NULL
    LEFT JOIN guild_identity.player_characters AS owned
        ON (owned.server_id, owned.player_id) = (attached.server_id, attached.player_id)
        AND owned.source IN ({PROOFS})
    LEFT JOIN common.guild_memberships AS membership
        ON membership.character_id = owned.character_id AND membership.guild_id = :guild_id
        AND membership.left_at IS NULL
    LEFT JOIN guild_identity.rank_overrides AS override
        ON (override.server_id, override.player_id) = (attached.server_id, attached.player_id)
        AND (override.ends_at IS NULL OR override.ends_at > :now)
    WHERE attached.server_id = :server_id AND attached.source IN ({PROOFS})
    GROUP BY attached.player_id
    HAVING count(membership.rank) > 0 OR count(override.rank_index) > 0
"""  # noqa: S608 (values of an enum of ours)
"""Players with a rank and a proven, present member: player_id, rank, whether an officer overrides it, those members.

Parameters: server_id, guild_id, now. The rule itself is `domain.ranks.player_rank`.
"""
