"""What the rules about the data themselves detect: what is old, what waits, and what Muster does not know."""

from collections.abc import Mapping

from db.detections_parts import CHARACTERS, OF_CHARACTER, user_ids
from db.lookups import characters_of, owner_of

_AWAY = f"""
    SELECT owned.character_id
    FROM guild_identity.player_availability AS away
    CROSS JOIN {characters_of("away.player_id")} AS owned
    WHERE away.server_id = :server_id AND (away.away_until IS NULL OR away.away_until > :now)
"""  # noqa: S608 (pieces of SQL of ours)
"""The characters of players on hiatus."""

_OWNER = f"(SELECT owned.player_id FROM {owner_of('c.id')} AS owned)"  # noqa: S608 (a piece of SQL of ours)

DETECTIONS: Mapping[str, str] = {
    # As of the last answer for the profile: while Battle.net is away, or Muster was, nobody grows stale.
    "stale_character": f"""
        SELECT c.id AS subject_id, CAST(extract(epoch FROM c.last_login_at) AS bigint)::text AS fingerprint,
            jsonb_build_object(
                {OF_CHARACTER}, 'last_login', CAST(extract(epoch FROM c.last_login_at) AS bigint),
                'user_ids', {user_ids(_OWNER)}
            ) AS facts
        {CHARACTERS} AND c.id NOT IN ({_AWAY}) AND EXISTS (
            SELECT FROM common.profile_checks AS profile
            JOIN guild_identity.servers AS server ON server.id = :server_id
            WHERE profile.character_id = c.id
                AND c.last_login_at < profile.checked_at - make_interval(days => server.stale_days)
        )
    """,  # noqa: S608 (pieces of SQL of ours)
    # It says how old what the others look at is, so it does not wait, as they do, until all was read once. Nobody is
    # told of what could not be read before the guild was followed, or while Muster was not invited. Notes come only
    # where somebody has a key to send them, and have time from then on.
    "stale_data": """
        SELECT source.id AS subject_id, coalesce(CAST(extract(epoch FROM source.read_at) AS bigint)::text, '')
                AS fingerprint,
            jsonb_build_object(
                'source', source.name, 'read_at', CAST(extract(epoch FROM source.read_at) AS bigint),
                'days', source.days
            ) AS facts
        FROM guild_identity.servers AS server
        JOIN guild_identity.server_guilds AS followed ON followed.server_id = server.id
        JOIN common.guilds AS guild ON guild.id = followed.guild_id
        CROSS JOIN LATERAL (
            SELECT max(upload.exported_at) AS read_at FROM guild_identity.uploads AS upload
            WHERE (upload.server_id, upload.guild_id) = (server.id, guild.id) AND upload.state = 'applied'
        ) AS notes
        CROSS JOIN LATERAL (
            SELECT min(key.created_at) AS since FROM guild_identity.upload_keys AS key
            WHERE (key.server_id, key.guild_id) = (server.id, guild.id) AND key.revoked_at IS NULL
        ) AS uploaders
        CROSS JOIN LATERAL (
            VALUES (1::bigint, 'roster', guild.roster_synced_at, guild.roster_synced_at, server.data_days),
                (2, 'members', server.members_synced_at, server.members_synced_at, server.data_days),
                (3, 'notes', notes.read_at, coalesce(notes.read_at, uploaders.since), server.note_days)
        ) AS source (id, name, read_at, since, days)
        WHERE server.id = :server_id AND (source.name <> 'notes' OR uploaders.since IS NOT NULL)
            AND greatest(source.since, followed.followed_at, server.returned_at)
                < CAST(:now AS timestamptz) - make_interval(days => source.days)
    """,
    "held_departures": """
        SELECT CAST(:server_id AS bigint) AS subject_id,
            encode(sha256(convert_to(string_agg(c.id::text, ' ' ORDER BY c.id), 'UTF8')), 'hex') AS fingerprint,
            jsonb_build_object(
                'guild', guild.name, 'characters', count(*),
                'names', to_jsonb((array_agg(c.name ORDER BY c.name_key, c.id))[1:5])
            ) AS facts
        FROM common.held_departures AS held
        JOIN common.guilds AS guild ON guild.id = held.guild_id
        JOIN common.wow_characters AS c ON c.id = held.character_id
        WHERE held.guild_id = :guild_id AND held.state = 'held'
        GROUP BY guild.id
    """,
    # Races come with a region's first use; before that none is known, and none is unknown either.
    "unknown_reference": f"""
        SELECT has.kind * 10000000 + has.id AS subject_id, has.id::text AS fingerprint, jsonb_build_object(
                'kind', has.name, 'id', has.id, 'characters', count(*), 'name', min(c.name)
            ) AS facts
        FROM (SELECT c.* {CHARACTERS}) AS c
        CROSS JOIN LATERAL (
            VALUES (1::bigint, 'class', c.class_id), (2, 'specialization', c.spec_id), (3, 'race', c.race_id)
        ) AS has (kind, name, id)
        WHERE has.id IS NOT NULL
            AND (has.kind, has.id) NOT IN (
                SELECT 1::bigint, class.id::integer FROM common.classes AS class
                UNION ALL SELECT 2, spec.id FROM common.specializations AS spec
                UNION ALL SELECT 3, race.id FROM common.races AS race
            )
            AND (has.kind <> 3 OR EXISTS (SELECT FROM common.races))
        GROUP BY has.kind, has.name, has.id
    """,  # noqa: S608 (pieces of SQL of ours)
}
