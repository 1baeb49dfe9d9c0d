"""Create the tables of the roster, of people and links, of findings and of what is to be sent.

Revision: 0001
After: none
Created: 2026-11-20
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE SCHEMA common",
    "CREATE SCHEMA guild_identity",
    """
    CREATE TABLE common.classes (
        id SMALLINT NOT NULL,
        name TEXT NOT NULL,
        colour TEXT NOT NULL,
        CONSTRAINT pk_classes PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE common.guilds (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        region VARCHAR(32) NOT NULL,
        realm_id INTEGER NOT NULL,
        realm_slug TEXT NOT NULL,
        realm_name TEXT NOT NULL,
        blizzard_id BIGINT NOT NULL,
        name TEXT NOT NULL,
        slug TEXT NOT NULL,
        faction TEXT,
        crest JSONB,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        roster_synced_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_guilds PRIMARY KEY (id),
        CONSTRAINT uq_guilds_region_realm_id_blizzard_id UNIQUE (region, realm_id, blizzard_id),
        CONSTRAINT ck_guilds_region CHECK (region IN ('us', 'eu', 'kr', 'tw'))
    )
    """,
    """
    CREATE TABLE common.instance_lease (
        id SMALLINT NOT NULL,
        owner TEXT NOT NULL,
        acquired_at TIMESTAMP WITH TIME ZONE NOT NULL,
        heartbeat_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_instance_lease PRIMARY KEY (id),
        CONSTRAINT ck_instance_lease_single_row CHECK (id = 1)
    )
    """,
    """
    CREATE TABLE common.professions (
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        CONSTRAINT pk_professions PRIMARY KEY (id),
        CONSTRAINT ck_professions_kind CHECK (kind IN ('primary', 'gathering', 'secondary'))
    )
    """,
    """
    CREATE TABLE common.published_commands (
        application_id BIGINT NOT NULL,
        fingerprint TEXT NOT NULL,
        published_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_published_commands PRIMARY KEY (application_id)
    )
    """,
    """
    CREATE TABLE common.races (
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        CONSTRAINT pk_races PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE common.realms (
        region VARCHAR(32) NOT NULL,
        id INTEGER NOT NULL,
        slug TEXT NOT NULL,
        names JSONB NOT NULL,
        fetched_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_realms PRIMARY KEY (region, id),
        CONSTRAINT uq_realms_region_slug UNIQUE (region, slug),
        CONSTRAINT ck_realms_region CHECK (region IN ('us', 'eu', 'kr', 'tw'))
    )
    """,
    """
    CREATE TABLE common.roles (
        id SMALLINT NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        CONSTRAINT pk_roles PRIMARY KEY (id),
        CONSTRAINT uq_roles_key UNIQUE (key)
    )
    """,
    """
    CREATE TABLE common.wow_characters (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        region VARCHAR(32) NOT NULL,
        realm_id INTEGER NOT NULL,
        blizzard_id BIGINT NOT NULL,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        realm_slug TEXT NOT NULL,
        realm_name TEXT,
        class_id INTEGER NOT NULL,
        race_id INTEGER,
        level INTEGER NOT NULL,
        faction TEXT,
        gender TEXT,
        spec_id INTEGER,
        equipped_item_level INTEGER,
        achievement_points INTEGER,
        last_login_at TIMESTAMP WITH TIME ZONE,
        first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_wow_characters PRIMARY KEY (id),
        CONSTRAINT uq_wow_characters_region_realm_id_blizzard_id UNIQUE (region, realm_id, blizzard_id),
        CONSTRAINT ck_wow_characters_region CHECK (region IN ('us', 'eu', 'kr', 'tw'))
    )
    """,
    """
    CREATE INDEX ix_wow_characters_name_key ON common.wow_characters (name_key)
    """,
    """
    CREATE TABLE guild_identity.servers (
        id BIGINT NOT NULL,
        name TEXT NOT NULL,
        locale TEXT NOT NULL,
        time_zone TEXT NOT NULL,
        slug TEXT,
        officer_role_id BIGINT,
        audit_channel_id BIGINT,
        profile_interval_hours SMALLINT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        left_at TIMESTAMP WITH TIME ZONE,
        members_synced_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_servers PRIMARY KEY (id),
        CONSTRAINT uq_servers_slug UNIQUE (slug)
    )
    """,
    """
    CREATE TABLE common.guild_memberships (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        guild_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        rank SMALLINT NOT NULL,
        joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
        left_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_guild_memberships PRIMARY KEY (id),
        CONSTRAINT ck_guild_memberships_rank CHECK (rank BETWEEN 0 AND 9),
        CONSTRAINT fk_guild_memberships_guild_id_guilds FOREIGN KEY(guild_id) REFERENCES common.guilds (id),
        CONSTRAINT fk_guild_memberships_character_id_wow_characters FOREIGN KEY(character_id) REFERENCES
            common.wow_characters (id)
    )
    """,
    """
    CREATE INDEX ix_guild_memberships_character_id ON common.guild_memberships (character_id)
    """,
    """
    CREATE UNIQUE INDEX uq_guild_memberships_open
        ON common.guild_memberships (guild_id, character_id)
        WHERE left_at IS NULL
    """,
    """
    CREATE TABLE common.held_departures (
        guild_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        state VARCHAR(32) NOT NULL,
        held_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_held_departures PRIMARY KEY (guild_id, character_id),
        CONSTRAINT fk_held_departures_guild_id_guilds FOREIGN KEY(guild_id) REFERENCES common.guilds (id),
        CONSTRAINT fk_held_departures_character_id_wow_characters FOREIGN KEY(character_id) REFERENCES
            common.wow_characters (id),
        CONSTRAINT ck_held_departures_departure CHECK (state IN ('held', 'kept'))
    )
    """,
    """
    CREATE TABLE common.profile_checks (
        character_id BIGINT NOT NULL,
        checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_modified TEXT,
        CONSTRAINT pk_profile_checks PRIMARY KEY (character_id),
        CONSTRAINT fk_profile_checks_character_id_wow_characters FOREIGN KEY(character_id) REFERENCES
            common.wow_characters (id)
    )
    """,
    """
    CREATE TABLE common.specializations (
        id INTEGER NOT NULL,
        class_id SMALLINT NOT NULL,
        name TEXT NOT NULL,
        default_role_id SMALLINT NOT NULL,
        CONSTRAINT pk_specializations PRIMARY KEY (id),
        CONSTRAINT fk_specializations_class_id_classes FOREIGN KEY(class_id) REFERENCES common.classes (id),
        CONSTRAINT fk_specializations_default_role_id_roles FOREIGN KEY(default_role_id) REFERENCES
            common.roles (id)
    )
    """,
    """
    CREATE TABLE common.sync_log (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        source VARCHAR(32) NOT NULL,
        status VARCHAR(32) NOT NULL,
        trigger VARCHAR(32) NOT NULL,
        guild_id BIGINT,
        server_id BIGINT,
        region TEXT,
        owner TEXT NOT NULL,
        actor_id BIGINT,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        heartbeat_at TIMESTAMP WITH TIME ZONE NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        duration_ms INTEGER,
        counts JSONB NOT NULL,
        reason TEXT,
        CONSTRAINT pk_sync_log PRIMARY KEY (id),
        CONSTRAINT ck_sync_log_one_scope CHECK (num_nonnulls(guild_id, server_id, region) = 1),
        CONSTRAINT ck_sync_log_runsource CHECK (source IN ('blizzard_api', 'discord_bot', 'addon_upload',
            'crafting_sync', 'static_data')),
        CONSTRAINT ck_sync_log_runstatus CHECK (status IN ('running', 'success', 'partial', 'error')),
        CONSTRAINT ck_sync_log_trigger CHECK (trigger IN ('timer', 'command')),
        CONSTRAINT fk_sync_log_guild_id_guilds FOREIGN KEY(guild_id) REFERENCES common.guilds (id)
    )
    """,
    """
    CREATE INDEX ix_sync_log_guild_id_started_at ON common.sync_log (guild_id, started_at)
    """,
    """
    CREATE INDEX ix_sync_log_server_id_started_at ON common.sync_log (server_id, started_at)
    """,
    """
    CREATE UNIQUE INDEX uq_sync_log_running_guild
        ON common.sync_log (guild_id, source)
        WHERE status = 'running' AND guild_id IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX uq_sync_log_running_region
        ON common.sync_log (region, source)
        WHERE status = 'running' AND region IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX uq_sync_log_running_server
        ON common.sync_log (server_id, source)
        WHERE status = 'running' AND server_id IS NOT NULL
    """,
    """
    CREATE TABLE guild_identity.audit_issues (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        public_id TEXT NOT NULL,
        server_id BIGINT NOT NULL,
        rule TEXT NOT NULL,
        rule_version SMALLINT NOT NULL,
        severity VARCHAR(32) NOT NULL,
        subject_kind VARCHAR(32) NOT NULL,
        subject_id BIGINT NOT NULL,
        fingerprint TEXT NOT NULL,
        facts JSONB NOT NULL,
        state VARCHAR(32) NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        counted_at TIMESTAMP WITH TIME ZONE,
        notified_at TIMESTAMP WITH TIME ZONE,
        resolved_at TIMESTAMP WITH TIME ZONE,
        resolved_by BIGINT,
        CONSTRAINT pk_audit_issues PRIMARY KEY (id),
        CONSTRAINT uq_audit_issues_public_id UNIQUE (public_id),
        CONSTRAINT fk_audit_issues_server_id_servers FOREIGN KEY(server_id) REFERENCES
            guild_identity.servers (id),
        CONSTRAINT ck_audit_issues_severity CHECK (severity IN ('critical', 'error', 'warning', 'info')),
        CONSTRAINT ck_audit_issues_subjectkind CHECK (subject_kind IN ('character', 'member', 'player',
            'rank', 'server')),
        CONSTRAINT ck_audit_issues_state CHECK (state IN ('open', 'notified', 'ignored', 'resolved'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_audit_issues_open
        ON guild_identity.audit_issues (server_id, rule, subject_kind, subject_id)
        WHERE state <> 'resolved'
    """,
    """
    CREATE TABLE guild_identity.discord_users (
        server_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        username TEXT NOT NULL,
        global_name TEXT,
        nick TEXT,
        username_key TEXT NOT NULL,
        global_name_key TEXT NOT NULL,
        nick_key TEXT NOT NULL,
        role_ids BIGINT[] NOT NULL,
        pending BOOLEAN NOT NULL,
        joined_at TIMESTAMP WITH TIME ZONE,
        first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        left_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_discord_users PRIMARY KEY (server_id, user_id),
        CONSTRAINT fk_discord_users_server_id_servers FOREIGN KEY(server_id) REFERENCES
            guild_identity.servers (id)
    )
    """,
    """
    CREATE TABLE guild_identity.outbox (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        server_id BIGINT NOT NULL,
        kind TEXT NOT NULL,
        channel_id BIGINT NOT NULL,
        payload JSONB NOT NULL,
        dedupe_key TEXT NOT NULL,
        state VARCHAR(32) NOT NULL,
        attempts SMALLINT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        claimed_until TIMESTAMP WITH TIME ZONE,
        message_id BIGINT,
        reason TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_outbox PRIMARY KEY (id),
        CONSTRAINT fk_outbox_server_id_servers FOREIGN KEY(server_id) REFERENCES guild_identity.servers (id),
        CONSTRAINT ck_outbox_outboxstate CHECK (state IN ('pending', 'sending', 'delivered', 'failed'))
    )
    """,
    """
    CREATE INDEX ix_outbox_undelivered
        ON guild_identity.outbox (channel_id, id)
        WHERE state IN ('pending', 'sending')
    """,
    """
    CREATE UNIQUE INDEX uq_outbox_waiting
        ON guild_identity.outbox (server_id, kind, dedupe_key)
        WHERE state = 'pending' AND attempts = 0
    """,
    """
    CREATE TABLE guild_identity.players (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        server_id BIGINT NOT NULL,
        public_id TEXT NOT NULL,
        main_character_id BIGINT,
        offspec_character_id BIGINT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_players PRIMARY KEY (id),
        CONSTRAINT uq_players_server_id_id UNIQUE (server_id, id),
        CONSTRAINT uq_players_public_id UNIQUE (public_id),
        CONSTRAINT fk_players_server_id_servers FOREIGN KEY(server_id) REFERENCES guild_identity.servers (id)
    )
    """,
    """
    CREATE TABLE guild_identity.server_guilds (
        server_id BIGINT NOT NULL,
        guild_id BIGINT NOT NULL,
        followed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        followed_by BIGINT,
        CONSTRAINT pk_server_guilds PRIMARY KEY (server_id, guild_id),
        CONSTRAINT fk_server_guilds_server_id_servers FOREIGN KEY(server_id) REFERENCES
            guild_identity.servers (id),
        CONSTRAINT fk_server_guilds_guild_id_guilds FOREIGN KEY(guild_id) REFERENCES common.guilds (id)
    )
    """,
    """
    CREATE INDEX ix_server_guilds_guild_id ON guild_identity.server_guilds (guild_id)
    """,
    """
    CREATE TABLE common.character_names (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        character_id BIGINT NOT NULL,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        realm_id INTEGER NOT NULL,
        realm_slug TEXT NOT NULL,
        borne_until TIMESTAMP WITH TIME ZONE NOT NULL,
        run_id BIGINT NOT NULL,
        CONSTRAINT pk_character_names PRIMARY KEY (id),
        CONSTRAINT fk_character_names_character_id_wow_characters FOREIGN KEY(character_id) REFERENCES
            common.wow_characters (id),
        CONSTRAINT fk_character_names_run_id_sync_log FOREIGN KEY(run_id) REFERENCES common.sync_log (id)
    )
    """,
    """
    CREATE INDEX ix_character_names_character_id ON common.character_names (character_id)
    """,
    """
    CREATE INDEX ix_character_names_name_key ON common.character_names (name_key)
    """,
    """
    CREATE TABLE common.rank_history (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        guild_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        old_rank SMALLINT NOT NULL,
        new_rank SMALLINT NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        run_id BIGINT NOT NULL,
        CONSTRAINT pk_rank_history PRIMARY KEY (id),
        CONSTRAINT fk_rank_history_guild_id_guilds FOREIGN KEY(guild_id) REFERENCES common.guilds (id),
        CONSTRAINT fk_rank_history_character_id_wow_characters FOREIGN KEY(character_id) REFERENCES
            common.wow_characters (id),
        CONSTRAINT fk_rank_history_run_id_sync_log FOREIGN KEY(run_id) REFERENCES common.sync_log (id)
    )
    """,
    """
    CREATE INDEX ix_rank_history_character_id_guild_id ON common.rank_history (character_id, guild_id)
    """,
    """
    CREATE TABLE guild_identity.action_log (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        server_id BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor_id BIGINT,
        run_id BIGINT,
        rule TEXT,
        rule_version SMALLINT,
        action TEXT NOT NULL,
        subject_kind VARCHAR(32) NOT NULL,
        subject_id BIGINT NOT NULL,
        before JSONB,
        after JSONB,
        evidence JSONB,
        CONSTRAINT pk_action_log PRIMARY KEY (id),
        CONSTRAINT fk_action_log_server_id_servers FOREIGN KEY(server_id) REFERENCES guild_identity.servers
            (id),
        CONSTRAINT fk_action_log_run_id_sync_log FOREIGN KEY(run_id) REFERENCES common.sync_log (id),
        CONSTRAINT ck_action_log_subjectkind CHECK (subject_kind IN ('character', 'member', 'player',
            'rank', 'server'))
    )
    """,
    """
    CREATE INDEX ix_action_log_server_id_at ON guild_identity.action_log (server_id, at)
    """,
    """
    CREATE TABLE guild_identity.guild_ranks (
        server_id BIGINT NOT NULL,
        guild_id BIGINT NOT NULL,
        rank_index SMALLINT NOT NULL,
        name TEXT,
        level TEXT,
        role_id BIGINT,
        description TEXT,
        scheduling_weight SMALLINT NOT NULL,
        CONSTRAINT pk_guild_ranks PRIMARY KEY (server_id, guild_id, rank_index),
        CONSTRAINT fk_guild_ranks_server_id_guild_id_server_guilds FOREIGN KEY(server_id, guild_id)
            REFERENCES guild_identity.server_guilds (server_id, guild_id)
            ON DELETE CASCADE,
        CONSTRAINT ck_guild_ranks_rank_index CHECK (rank_index BETWEEN 0 AND 9)
    )
    """,
    """
    CREATE TABLE guild_identity.player_characters (
        server_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        player_id BIGINT NOT NULL,
        source VARCHAR(32) NOT NULL,
        confidence VARCHAR(32) NOT NULL,
        evidence JSONB NOT NULL,
        linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        linked_by BIGINT,
        run_id BIGINT,
        CONSTRAINT pk_player_characters PRIMARY KEY (server_id, character_id),
        CONSTRAINT fk_player_characters_server_id_player_id_players FOREIGN KEY(server_id, player_id)
            REFERENCES guild_identity.players (server_id, id),
        CONSTRAINT uq_player_characters_server_id_player_id_character_id UNIQUE (server_id, player_id,
            character_id),
        CONSTRAINT fk_player_characters_character_id_wow_characters FOREIGN KEY(character_id) REFERENCES
            common.wow_characters (id),
        CONSTRAINT ck_player_characters_source CHECK (source IN ('similar_name', 'name', 'guild_note',
            'officer_note', 'alias', 'migrated_sheet', 'claim', 'invite', 'officer', 'battlenet_oauth')),
        CONSTRAINT ck_player_characters_confidence CHECK (confidence IN ('high', 'medium', 'low')),
        CONSTRAINT fk_player_characters_run_id_sync_log FOREIGN KEY(run_id) REFERENCES common.sync_log (id)
    )
    """,
    """
    CREATE INDEX ix_player_characters_character_id ON guild_identity.player_characters (character_id)
    """,
    """
    CREATE TABLE guild_identity.player_members (
        server_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        player_id BIGINT NOT NULL,
        source VARCHAR(32) NOT NULL,
        confidence VARCHAR(32) NOT NULL,
        evidence JSONB NOT NULL,
        linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        linked_by BIGINT,
        run_id BIGINT,
        CONSTRAINT pk_player_members PRIMARY KEY (server_id, user_id),
        CONSTRAINT fk_player_members_server_id_player_id_players FOREIGN KEY(server_id, player_id)
            REFERENCES guild_identity.players (server_id, id),
        CONSTRAINT fk_player_members_server_id_user_id_discord_users FOREIGN KEY(server_id, user_id)
            REFERENCES guild_identity.discord_users (server_id, user_id),
        CONSTRAINT ck_player_members_source CHECK (source IN ('similar_name', 'name', 'guild_note',
            'officer_note', 'alias', 'migrated_sheet', 'claim', 'invite', 'officer', 'battlenet_oauth')),
        CONSTRAINT ck_player_members_confidence CHECK (confidence IN ('high', 'medium', 'low')),
        CONSTRAINT fk_player_members_run_id_sync_log FOREIGN KEY(run_id) REFERENCES common.sync_log (id)
    )
    """,
    """
    CREATE INDEX ix_player_members_server_id_player_id ON guild_identity.player_members (server_id, player_id)
    """,
    """
    CREATE TABLE guild_identity.rejected_candidates (
        server_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        rejected_by BIGINT NOT NULL,
        rejected_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_rejected_candidates PRIMARY KEY (server_id, character_id, user_id),
        CONSTRAINT fk_rejected_candidates_server_id_user_id_discord_users FOREIGN KEY(server_id, user_id)
            REFERENCES guild_identity.discord_users (server_id, user_id),
        CONSTRAINT fk_rejected_candidates_character_id_wow_characters FOREIGN KEY(character_id) REFERENCES
            common.wow_characters (id)
    )
    """,
    """
    ALTER TABLE guild_identity.players
        ADD CONSTRAINT fk_players_main_character_id FOREIGN KEY(server_id, id, main_character_id)
            REFERENCES guild_identity.player_characters (server_id, player_id, character_id)
            ON DELETE SET NULL (main_character_id)
    """,
    """
    ALTER TABLE guild_identity.players
        ADD CONSTRAINT fk_players_offspec_character_id FOREIGN KEY(server_id, id, offspec_character_id)
            REFERENCES guild_identity.player_characters (server_id, player_id, character_id)
            ON DELETE SET NULL (offspec_character_id)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP SCHEMA guild_identity, common CASCADE")
