"""What the rules about links detect: who is not linked, whose link is in doubt, and what is left to a person."""

from collections.abc import Mapping

from db.detections_parts import (
    CHARACTERS,
    LINKED,
    MAPPED_ROLES,
    OF_CHARACTER,
    RANK_NAME,
    SHOWN_NAME,
    switched_off,
    user_ids,
)
from db.lookups import character, characters_of, in_guild, owner_of, player_of, present
from domain.links import Source

BY_PERSON = ", ".join(f"'{source.value}'" for source in Source if source.is_by_person)

_SUGGESTED = f"""
    FROM guild_identity.link_suggestions AS suggestion
    CROSS JOIN {in_guild("suggestion.character_id")} AS membership
    CROSS JOIN LATERAL (
        SELECT array_agg(candidate.user_id ORDER BY candidate.place) AS user_ids
        FROM (
            SELECT CAST(one ->> 'user_id' AS bigint) AS user_id, place
            FROM jsonb_array_elements(suggestion.candidates) WITH ORDINALITY AS listed (one, place)
        ) AS candidate
        CROSS JOIN {present("candidate.user_id")} AS member
        WHERE member.opted_out_at IS NULL AND NOT EXISTS (
            SELECT FROM guild_identity.rejected_candidates AS refused
            WHERE refused.server_id = :server_id
                AND refused.character_id = suggestion.character_id AND refused.user_id = candidate.user_id
            OFFSET 0
        )
    ) AS proposed
    CROSS JOIN {character("suggestion.character_id")} AS c
    {RANK_NAME}
    WHERE suggestion.server_id = :server_id AND proposed.user_ids IS NOT NULL
        AND NOT EXISTS (SELECT FROM {owner_of("suggestion.character_id")} AS owned)
"""  # noqa: S608 (pieces of SQL of ours)
"""Each suggestion that `/link review` asks about, with those of its candidates who are still possible."""

_LEFT_BEHIND = f"""
    FROM guild_identity.discord_users AS member
    CROSS JOIN {player_of("member.user_id")} AS attached
    CROSS JOIN {characters_of("attached.player_id")} AS owned
    CROSS JOIN {in_guild("owned.character_id")} AS membership
    CROSS JOIN {character("owned.character_id")} AS c
    {RANK_NAME}
    WHERE member.server_id = :server_id AND member.left_at IS NOT NULL
"""
"""Each member who left with each character in the guild that is still theirs."""

_CONTRADICTED = f"""
    SELECT c.id AS subject_id, concat_ws(' ', owned.player_id, array_to_string(found.user_ids, ' ')) AS fingerprint,
        jsonb_build_object(
            {OF_CHARACTER}, 'other_ids', found.user_ids, 'user_ids', {user_ids("owned.player_id")},
            'by_note', found.evidence #>> '{{0,place}}' IN ('guild_note', 'officer_note')
        ) AS facts
    FROM guild_identity.link_contradictions AS found
    CROSS JOIN {owner_of("found.character_id")} AS owned
    CROSS JOIN {in_guild("found.character_id")} AS membership
    CROSS JOIN {character("found.character_id")} AS c
    {RANK_NAME}
    WHERE found.server_id = :server_id
"""  # noqa: S608 (pieces of SQL of ours)
"""Each linked character in the guild that matching found to speak for somebody else; not what its notes say."""

DETECTIONS: Mapping[str, str] = {
    # What another rule says better is left to it, unless that one is off. A link that ended makes it another problem.
    "orphan_wow": f"""
        SELECT c.id AS subject_id,
            concat_ws(' ', membership.id, (
                SELECT max(past.id) FROM (
                    SELECT ended.id FROM guild_identity.link_history AS ended
                    WHERE ended.server_id = :server_id AND ended.character_id = c.id
                    OFFSET 0
                ) AS past
            )) AS fingerprint,
            jsonb_build_object({OF_CHARACTER}, 'level', c.level, 'class_id', c.class_id) AS facts
        {CHARACTERS} AND membership.character_id NOT IN (SELECT owned.character_id {LINKED})
            AND (
                {switched_off("link_suggestion")}
                OR membership.character_id NOT IN (SELECT suggestion.character_id {_SUGGESTED})
            ) AND (
                {switched_off("stale_discord_link")}
                OR membership.character_id NOT IN (SELECT owned.character_id {_LEFT_BEHIND})
            )
    """,  # noqa: S608 (pieces of SQL of ours)
    # Once ranks are mapped, a member without a mapped role is a guest: nobody to link. Who opted out is not looked for.
    "orphan_discord": f"""
        SELECT member.user_id AS subject_id,
            coalesce(CAST(extract(epoch FROM member.joined_at) AS bigint)::text, '') AS fingerprint,
            jsonb_build_object('name', {SHOWN_NAME}, 'username', member.username) AS facts
        FROM guild_identity.discord_users AS member
        WHERE member.server_id = :server_id AND member.left_at IS NULL AND NOT member.pending
            AND member.opted_out_at IS NULL AND CAST(:guild_id AS bigint) IS NOT NULL
            AND member.user_id NOT IN (SELECT attached.user_id {LINKED})
            AND (
                member.role_ids && ARRAY(SELECT role_id FROM ({MAPPED_ROLES}) AS mapped)
                OR NOT EXISTS ({MAPPED_ROLES})
            )
    """,  # noqa: S608 (pieces of SQL of ours)
    # The same people in another order are the same question.
    "link_suggestion": f"""
        SELECT c.id AS subject_id,
            array_to_string(ARRAY(SELECT user_id FROM unnest(proposed.user_ids) AS user_id ORDER BY user_id), ' ')
                AS fingerprint,
            jsonb_build_object(
                {OF_CHARACTER}, 'user_ids', proposed.user_ids, 'confidence', suggestion.confidence
            ) AS facts
        {_SUGGESTED}
    """,  # noqa: S608 (pieces of SQL of ours)
    "link_contradicts_note": f"{_CONTRADICTED} AND owned.source IN ({BY_PERSON})",
    "note_mismatch": f"{_CONTRADICTED} AND owned.source NOT IN ({BY_PERSON})",
    "stale_discord_link": f"""
        SELECT member.user_id AS subject_id, CAST(extract(epoch FROM member.left_at) AS bigint)::text AS fingerprint,
            jsonb_build_object(
                'name', {SHOWN_NAME}, 'username', member.username,
                'left_at', CAST(extract(epoch FROM member.left_at) AS bigint), 'characters', count(*),
                'character', (array_agg(c.name ORDER BY membership.rank, c.level DESC, c.id))[1],
                'rank', min(membership.rank),
                'rank_name', (array_agg(named.name ORDER BY membership.rank))[1]
            ) AS facts
        {_LEFT_BEHIND}
        GROUP BY member.server_id, member.user_id
    """,  # noqa: S608 (pieces of SQL of ours)
    # It waits as long as the character by which it was given is in the guild, and the other player's.
    "duplicate_discord": f"""
        SELECT proof.user_id AS subject_id, proof.public_id AS fingerprint, jsonb_build_object(
                'proof', proof.public_id, 'name', {SHOWN_NAME}, 'other_ids', {user_ids("proof.player_id")},
                'character', c.name, 'realm', coalesce(c.realm_name, c.realm_slug), 'source', proof.source
            ) AS facts
        FROM guild_identity.pending_proofs AS proof
        CROSS JOIN {present("proof.user_id")} AS member
        CROSS JOIN {player_of("proof.user_id")} AS attached
        CROSS JOIN {owner_of("proof.character_id")} AS owned
        CROSS JOIN {in_guild("proof.character_id")} AS membership
        CROSS JOIN {character("proof.character_id")} AS c
        WHERE proof.server_id = :server_id
            AND attached.player_id <> proof.player_id AND owned.player_id = proof.player_id
    """,  # noqa: S608 (pieces of SQL of ours)
    # That they are the player's own their keys see to; a character that is no member any more is another matter.
    "main_not_linked": f"""
        SELECT player.id AS subject_id,
            string_agg(concat(gone.which, ' ', gone.character_id), ' ' ORDER BY gone.which) AS fingerprint,
            jsonb_build_object(
                'user_ids', {user_ids("player.id")},
                'name', (array_agg(c.name ORDER BY gone.which))[1],
                'realm', (array_agg(coalesce(c.realm_name, c.realm_slug) ORDER BY gone.which))[1],
                'which', jsonb_agg(gone.which ORDER BY gone.which)
            ) AS facts
        FROM guild_identity.players AS player
        CROSS JOIN LATERAL (
            VALUES ('main', player.main_character_id), ('offspec', player.offspec_character_id)
        ) AS gone (which, character_id)
        CROSS JOIN {character("gone.character_id")} AS c
        WHERE player.server_id = :server_id AND CAST(:guild_id AS bigint) IS NOT NULL
            AND NOT EXISTS (SELECT FROM {in_guild("gone.character_id")} AS membership)
        GROUP BY player.id
    """,  # noqa: S608 (pieces of SQL of ours)
}
