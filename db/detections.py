"""What each rule detects: one query a rule, which gives subject_id, fingerprint and facts of all its subjects.

Parameters: server_id, guild_id (null: nothing is detected), now; `rule_failed` takes failed_ids and failed_names.

The work of a query grows with the guild and not with its square, also on a database without statistics, where a join
may be planned as a loop over everything: what is asked of each subject is looked up by its whole key (OFFSET 0 keeps
it so) or hashed (NOT IN over columns that are never null).
"""

from collections.abc import Mapping

from db.ranks import IN_GUILD, PLAYER_RANKS, PRESENT, PROOFS
from domain.links import Source

BY_PERSON = ", ".join(f"'{source.value}'" for source in Source if source.is_by_person)

_LINKED = f"""
    FROM guild_identity.player_characters AS owned
    CROSS JOIN {IN_GUILD} AS membership
    CROSS JOIN LATERAL (
        SELECT half.user_id FROM guild_identity.player_members AS half
        WHERE half.server_id = :server_id AND half.player_id = owned.player_id
        OFFSET 0
    ) AS attached
    CROSS JOIN {PRESENT} AS member
    WHERE owned.server_id = :server_id
"""  # noqa: S608 (pieces of SQL of ours)
"""Each character in the guild with each present member of its player."""

_CHARACTERS = """
    FROM common.guild_memberships AS membership
    JOIN common.wow_characters AS c ON c.id = membership.character_id
    LEFT JOIN guild_identity.guild_ranks AS named
        ON (named.server_id, named.guild_id, named.rank_index) = (:server_id, :guild_id, membership.rank)
    WHERE membership.guild_id = :guild_id AND membership.left_at IS NULL
"""
"""Each character in the guild, with the server's name for its rank."""

_MAPPED_ROLES = """
    SELECT mapped.role_id FROM guild_identity.guild_ranks AS mapped
    WHERE mapped.server_id = :server_id AND mapped.guild_id = :guild_id AND mapped.role_id IS NOT NULL
"""

_PLAYER_ROLES = f"""
    SELECT ranked.player_id AS subject_id,
        concat(expected.role_id, ' ', array_to_string(held.role_ids, ' ')) AS fingerprint, jsonb_build_object(
            'name', (
                SELECT c.name
                FROM guild_identity.player_characters AS owned
                CROSS JOIN {IN_GUILD} AS membership
                JOIN common.wow_characters AS c ON c.id = owned.character_id
                WHERE owned.server_id = :server_id AND owned.player_id = ranked.player_id AND owned.source IN ({PROOFS})
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
        FROM guild_identity.discord_users AS holder CROSS JOIN unnest(holder.role_ids) AS role_id
        WHERE holder.server_id = :server_id AND holder.user_id = ANY (ranked.user_ids)
            AND role_id IN ({_MAPPED_ROLES})
    ) AS held
"""  # noqa: S608 (pieces of SQL of ours)
"""Each proven player whose rank has a role, with the mapped roles that any of their members holds."""

_CONTRADICTED = f"""
    SELECT c.id AS subject_id, array_to_string(found.user_ids, ' ') AS fingerprint, jsonb_build_object(
            'name', c.name, 'realm', coalesce(c.realm_name, c.realm_slug), 'rank', membership.rank,
            'rank_name', named.name, 'other_ids', found.user_ids, 'user_ids', ARRAY(
                SELECT half.user_id FROM guild_identity.player_members AS half
                WHERE half.server_id = :server_id AND half.player_id = owned.player_id ORDER BY half.user_id
            ), 'by_note', found.evidence #>> '{{0,place}}' IN ('guild_note', 'officer_note')
        ) AS facts
    FROM guild_identity.link_contradictions AS found
    CROSS JOIN LATERAL (
        SELECT half.character_id, half.player_id, half.source FROM guild_identity.player_characters AS half
        WHERE half.server_id = :server_id AND half.character_id = found.character_id
        OFFSET 0
    ) AS owned
    CROSS JOIN {IN_GUILD} AS membership
    JOIN common.wow_characters AS c ON c.id = found.character_id
    LEFT JOIN guild_identity.guild_ranks AS named
        ON (named.server_id, named.guild_id, named.rank_index) = (:server_id, :guild_id, membership.rank)
    WHERE found.server_id = :server_id
"""  # noqa: S608 (pieces of SQL of ours)
"""Each linked character in the guild that matching found to speak for somebody else; not what its notes say."""

DETECTIONS: Mapping[str, str] = {
    "orphan_wow": f"""
        SELECT c.id AS subject_id, '' AS fingerprint, jsonb_build_object(
            'name', c.name, 'realm', coalesce(c.realm_name, c.realm_slug), 'rank', membership.rank,
            'rank_name', named.name, 'level', c.level, 'class_id', c.class_id
        ) AS facts
        {_CHARACTERS} AND c.id NOT IN (SELECT owned.character_id {_LINKED})
    """,
    # Once ranks are mapped, a member without a mapped role is a guest: nobody to link. Who opted out is not looked for.
    "orphan_discord": f"""
        SELECT member.user_id AS subject_id, '' AS fingerprint, jsonb_build_object(
            'name', coalesce(member.nick, member.global_name, member.username), 'username', member.username
        ) AS facts
        FROM guild_identity.discord_users AS member
        WHERE member.server_id = :server_id AND member.left_at IS NULL AND NOT member.pending
            AND member.opted_out_at IS NULL AND CAST(:guild_id AS bigint) IS NOT NULL
            AND member.user_id NOT IN (SELECT attached.user_id {_LINKED})
            AND (
                member.role_ids && ARRAY(SELECT role_id FROM ({_MAPPED_ROLES}) AS mapped)
                OR NOT EXISTS ({_MAPPED_ROLES})
            )
    """,  # noqa: S608 (pieces of SQL of ours)
    "link_contradicts_note": f"{_CONTRADICTED} AND owned.source IN ({BY_PERSON})",
    "note_mismatch": f"{_CONTRADICTED} AND owned.source NOT IN ({BY_PERSON})",
    # Whose rank an officer has set apart from the game may well keep the role that goes with the game's.
    "role_mismatch": f"""
        {_PLAYER_ROLES}
        WHERE NOT ranked.overridden AND held.role_ids <> '{{}}' AND expected.role_id <> ALL (held.role_ids)
    """,
    # Who is still in rules screening waits until it clears.
    "no_guild_role": f"{_PLAYER_ROLES} WHERE held.role_ids = '{{}}' AND NOT ranked.pending",
    # As of the last answer for the profile: while Battle.net is away, or Muster was, nobody grows stale.
    "stale_character": f"""
        SELECT c.id AS subject_id, CAST(extract(epoch FROM c.last_login_at) AS bigint)::text AS fingerprint,
            jsonb_build_object(
                'name', c.name, 'realm', coalesce(c.realm_name, c.realm_slug), 'rank', membership.rank,
                'rank_name', named.name, 'last_login', CAST(extract(epoch FROM c.last_login_at) AS bigint)
            ) AS facts
        {_CHARACTERS} AND EXISTS (
            SELECT FROM common.profile_checks AS profile
            JOIN guild_identity.servers AS server ON server.id = :server_id
            WHERE profile.character_id = c.id
                AND c.last_login_at < profile.checked_at - make_interval(days => server.stale_days)
        )
    """,  # noqa: S608 (pieces of SQL of ours)
    "unmapped_rank": f"""
        SELECT CAST(membership.rank AS bigint) AS subject_id, '' AS fingerprint, jsonb_build_object(
            'rank', membership.rank, 'rank_name', min(named.name), 'characters', count(*)
        ) AS facts
        {_CHARACTERS} AND EXISTS ({_MAPPED_ROLES})
        GROUP BY membership.rank
        HAVING count(named.role_id) = 0
    """,
    "rule_failed": """
        SELECT id AS subject_id, '' AS fingerprint, jsonb_build_object('name', name) AS facts
        FROM unnest(CAST(:failed_ids AS bigint[]), CAST(:failed_names AS text[])) AS failed (id, name)
    """,
}
