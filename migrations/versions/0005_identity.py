"""Keep notes, aliases, suggestions, contradictions, past links, verdicts on rules, and members' claims.

Revision: 0005
After: 0004
Created: 2026-11-20
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CREATE = (
    """
    CREATE TABLE guild_identity.character_notes (
        server_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        guild_note TEXT,
        guild_note_at TIMESTAMP WITH TIME ZONE,
        officer_note TEXT,
        officer_note_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_character_notes PRIMARY KEY (server_id, character_id),
        CONSTRAINT fk_character_notes_server_id_servers FOREIGN KEY(server_id)
            REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_character_notes_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id)
    )
    """,
    """
    CREATE TABLE guild_identity.note_aliases (
        server_id BIGINT NOT NULL,
        alias_key TEXT NOT NULL,
        alias TEXT NOT NULL,
        user_id BIGINT,
        character_id BIGINT,
        set_by BIGINT NOT NULL,
        set_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_note_aliases PRIMARY KEY (server_id, alias_key),
        CONSTRAINT fk_note_aliases_server_id_user_id_discord_users FOREIGN KEY(server_id, user_id)
            REFERENCES guild_identity.discord_users (server_id, user_id),
        CONSTRAINT ck_note_aliases_one_meaning CHECK (num_nonnulls(user_id, character_id) = 1),
        CONSTRAINT fk_note_aliases_server_id_servers FOREIGN KEY(server_id)
            REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_note_aliases_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id)
    )
    """,
    """
    CREATE TABLE guild_identity.alt_groups (
        server_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        group_id BIGINT NOT NULL,
        CONSTRAINT pk_alt_groups PRIMARY KEY (server_id, character_id),
        CONSTRAINT fk_alt_groups_server_id_servers FOREIGN KEY(server_id) REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_alt_groups_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id),
        CONSTRAINT fk_alt_groups_group_id_wow_characters FOREIGN KEY(group_id)
            REFERENCES common.wow_characters (id)
    )
    """,
    """
    CREATE INDEX ix_alt_groups_server_id_group_id ON guild_identity.alt_groups (server_id, group_id)
    """,
    """
    CREATE TABLE guild_identity.link_suggestions (
        server_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        candidates JSONB NOT NULL,
        confidence VARCHAR(32),
        run_id BIGINT,
        suggested_at TIMESTAMP WITH TIME ZONE NOT NULL,
        later_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_link_suggestions PRIMARY KEY (server_id, character_id),
        CONSTRAINT fk_link_suggestions_server_id_servers FOREIGN KEY(server_id)
            REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_link_suggestions_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id),
        CONSTRAINT ck_link_suggestions_confidence CHECK (confidence IN ('high', 'medium', 'low')),
        CONSTRAINT fk_link_suggestions_run_id_sync_log FOREIGN KEY(run_id) REFERENCES common.sync_log (id)
    )
    """,
    """
    CREATE TABLE guild_identity.link_contradictions (
        server_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        user_ids BIGINT[] NOT NULL,
        evidence JSONB NOT NULL,
        found_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_link_contradictions PRIMARY KEY (server_id, character_id),
        CONSTRAINT fk_link_contradictions_server_id_servers FOREIGN KEY(server_id)
            REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_link_contradictions_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id)
    )
    """,
    """
    CREATE TABLE guild_identity.link_history (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        server_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        player_public_id TEXT NOT NULL,
        user_ids BIGINT[] NOT NULL,
        source VARCHAR(32) NOT NULL,
        confidence VARCHAR(32) NOT NULL,
        evidence JSONB NOT NULL,
        linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        linked_by BIGINT,
        run_id BIGINT,
        ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_by BIGINT,
        ended VARCHAR(32) NOT NULL,
        CONSTRAINT pk_link_history PRIMARY KEY (id),
        CONSTRAINT fk_link_history_server_id_servers FOREIGN KEY(server_id)
            REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_link_history_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id),
        CONSTRAINT ck_link_history_source
            CHECK (source IN ('similar_name', 'name', 'guild_note', 'officer_note', 'alias', 'migrated_sheet', 'claim',
                'invite', 'officer', 'battlenet_oauth')),
        CONSTRAINT ck_link_history_confidence CHECK (confidence IN ('high', 'medium', 'low')),
        CONSTRAINT fk_link_history_run_id_sync_log FOREIGN KEY(run_id) REFERENCES common.sync_log (id),
        CONSTRAINT ck_link_history_linkend CHECK (ended IN ('confirmed', 'removed', 'moved', 'opted_out'))
    )
    """,
    """
    CREATE INDEX ix_link_history_server_id_character_id ON guild_identity.link_history (server_id, character_id)
    """,
    """
    CREATE TABLE guild_identity.rule_verdicts (
        server_id BIGINT NOT NULL,
        rule TEXT NOT NULL,
        character_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        rule_version SMALLINT NOT NULL,
        verdict VARCHAR(32) NOT NULL,
        was_linked BOOLEAN NOT NULL,
        given_by BIGINT NOT NULL,
        given_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_rule_verdicts PRIMARY KEY (server_id, rule, character_id, user_id),
        CONSTRAINT fk_rule_verdicts_server_id_user_id_discord_users FOREIGN KEY(server_id, user_id)
            REFERENCES guild_identity.discord_users (server_id, user_id),
        CONSTRAINT fk_rule_verdicts_server_id_servers FOREIGN KEY(server_id)
            REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_rule_verdicts_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id),
        CONSTRAINT ck_rule_verdicts_verdict CHECK (verdict IN ('confirmed', 'rejected'))
    )
    """,
    """
    CREATE TABLE guild_identity.link_claims (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        public_id TEXT NOT NULL,
        server_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        state VARCHAR(32) NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE,
        decided_by BIGINT,
        CONSTRAINT pk_link_claims PRIMARY KEY (id),
        CONSTRAINT fk_link_claims_server_id_user_id_discord_users FOREIGN KEY(server_id, user_id)
            REFERENCES guild_identity.discord_users (server_id, user_id),
        CONSTRAINT uq_link_claims_public_id UNIQUE (public_id),
        CONSTRAINT fk_link_claims_server_id_servers FOREIGN KEY(server_id) REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_link_claims_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id),
        CONSTRAINT ck_link_claims_claimstate CHECK (state IN ('open', 'confirmed', 'refused', 'withdrawn'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_link_claims_open ON guild_identity.link_claims (server_id, character_id, user_id)
        WHERE state = 'open'
    """,
    """
    CREATE TABLE guild_identity.matching_state (
        server_id BIGINT NOT NULL,
        fingerprint TEXT NOT NULL,
        matched_at TIMESTAMP WITH TIME ZONE NOT NULL,
        run_id BIGINT,
        CONSTRAINT pk_matching_state PRIMARY KEY (server_id),
        CONSTRAINT fk_matching_state_server_id_servers FOREIGN KEY(server_id)
            REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_matching_state_run_id_sync_log FOREIGN KEY(run_id) REFERENCES common.sync_log (id)
    )
    """,
)

TABLES = (
    "matching_state",
    "link_claims",
    "rule_verdicts",
    "link_history",
    "link_contradictions",
    "link_suggestions",
    "alt_groups",
    "note_aliases",
    "character_notes",
)
MODES = "'automatic', 'suggest'"
HALVES = ("player_characters", "player_members")

# What the first rule left as its reason, in the shape that every rule leaves now; and back.
EVIDENCE = """
    UPDATE guild_identity.{half} SET evidence = jsonb_build_object('round', 1, 'reasons', jsonb_build_array(
        jsonb_build_object(
            'rule', 'equal_name', 'version', 1, 'strength', 3, 'source', 'name', 'via', NULL,
            'place', evidence -> 'matched', 'written', evidence -> 'name_key', 'other', evidence -> 'name_key'
        )
    ))
    WHERE evidence ? 'matched'
"""
EVIDENCE_BEFORE = """
    UPDATE guild_identity.{half} SET evidence = jsonb_build_object(
        'rule', 'equal_name', 'version', 1,
        'matched', evidence #> '{{reasons,0,place}}', 'name_key', evidence #> '{{reasons,0,written}}'
    )
    WHERE evidence #>> '{{reasons,0,rule}}' = 'equal_name'
"""


def upgrade() -> None:
    for statement in CREATE:
        op.execute(statement)
    op.execute("ALTER TABLE guild_identity.discord_users ADD COLUMN opted_out_at TIMESTAMP WITH TIME ZONE")
    _allow_modes(f"{MODES}, 'off'")
    for half in HALVES:
        op.execute(EVIDENCE.format(half=half))


def downgrade() -> None:
    for half in HALVES:
        op.execute(EVIDENCE_BEFORE.format(half=half))
    # The nearest thing that the older release knows: rules that do nothing by themselves.
    op.execute("UPDATE guild_identity.servers SET link_mode = 'suggest' WHERE link_mode = 'off'")
    _allow_modes(MODES)
    op.execute("ALTER TABLE guild_identity.discord_users DROP COLUMN opted_out_at")
    for table in TABLES:
        op.execute(f"DROP TABLE guild_identity.{table}")


def _allow_modes(values: str) -> None:
    op.execute("ALTER TABLE guild_identity.servers DROP CONSTRAINT ck_servers_linkmode")
    op.execute(f"ALTER TABLE guild_identity.servers ADD CONSTRAINT ck_servers_linkmode CHECK (link_mode IN ({values}))")
