"""Let findings be ignored and resolved by people, and keep hiatuses, proofs that wait, and the roles that Muster gives.

Revision: 0006
After: 0005
Created: 2026-11-21
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ISSUES = "guild_identity.audit_issues"
SERVERS = "guild_identity.servers"

CREATE = (
    """
    CREATE TABLE guild_identity.audit_rule_settings (
        server_id BIGINT NOT NULL,
        rule TEXT NOT NULL,
        enabled BOOLEAN NOT NULL,
        set_by BIGINT NOT NULL,
        set_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_audit_rule_settings PRIMARY KEY (server_id, rule),
        CONSTRAINT fk_audit_rule_settings_server_id_servers FOREIGN KEY(server_id)
            REFERENCES guild_identity.servers (id)
    )
    """,
    """
    CREATE TABLE guild_identity.player_availability (
        server_id BIGINT NOT NULL,
        player_id BIGINT NOT NULL,
        away_until TIMESTAMP WITH TIME ZONE,
        reason TEXT NOT NULL,
        set_by BIGINT NOT NULL,
        set_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_player_availability PRIMARY KEY (server_id, player_id),
        CONSTRAINT fk_player_availability_server_id_player_id_players FOREIGN KEY(server_id, player_id)
            REFERENCES guild_identity.players (server_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE guild_identity.pending_proofs (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        public_id TEXT NOT NULL,
        server_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        player_id BIGINT NOT NULL,
        character_id BIGINT NOT NULL,
        source VARCHAR(32) NOT NULL,
        given_by BIGINT,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_pending_proofs PRIMARY KEY (id),
        CONSTRAINT fk_pending_proofs_server_id_player_id_players FOREIGN KEY(server_id, player_id)
            REFERENCES guild_identity.players (server_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_pending_proofs_server_id_user_id_discord_users FOREIGN KEY(server_id, user_id)
            REFERENCES guild_identity.discord_users (server_id, user_id),
        CONSTRAINT uq_pending_proofs_public_id UNIQUE (public_id),
        CONSTRAINT uq_pending_proofs_server_id_user_id UNIQUE (server_id, user_id),
        CONSTRAINT fk_pending_proofs_character_id_wow_characters FOREIGN KEY(character_id)
            REFERENCES common.wow_characters (id),
        CONSTRAINT ck_pending_proofs_source
            CHECK (source IN ('similar_name', 'name', 'guild_note', 'officer_note', 'alias', 'migrated_sheet',
                'claim', 'invite', 'officer', 'battlenet_oauth'))
    )
    """,
    """
    CREATE TABLE guild_identity.role_ledger (
        server_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        role_id BIGINT NOT NULL,
        given_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_role_ledger PRIMARY KEY (server_id, user_id, role_id),
        CONSTRAINT fk_role_ledger_server_id_user_id_discord_users FOREIGN KEY(server_id, user_id)
            REFERENCES guild_identity.discord_users (server_id, user_id)
    )
    """,
    """
    CREATE TABLE guild_identity.role_runs (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        public_id TEXT NOT NULL,
        server_id BIGINT NOT NULL,
        kind VARCHAR(32) NOT NULL,
        actor_id BIGINT,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        undoes BIGINT,
        CONSTRAINT pk_role_runs PRIMARY KEY (id),
        CONSTRAINT uq_role_runs_public_id UNIQUE (public_id),
        CONSTRAINT uq_role_runs_server_id_id UNIQUE (server_id, id),
        CONSTRAINT fk_role_runs_server_id_undoes_role_runs FOREIGN KEY(server_id, undoes)
            REFERENCES guild_identity.role_runs (server_id, id),
        CONSTRAINT fk_role_runs_server_id_servers FOREIGN KEY(server_id) REFERENCES guild_identity.servers (id),
        CONSTRAINT ck_role_runs_runkind CHECK (kind IN ('sync', 'apply', 'fix', 'undo'))
    )
    """,
    """
    CREATE INDEX ix_role_runs_server_id_started_at ON guild_identity.role_runs (server_id, started_at)
    """,
    """
    CREATE TABLE guild_identity.role_changes (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        server_id BIGINT NOT NULL,
        run_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        role_id BIGINT NOT NULL,
        act VARCHAR(32) NOT NULL,
        state VARCHAR(32) NOT NULL,
        reason TEXT,
        asked_at TIMESTAMP WITH TIME ZONE,
        finished_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_role_changes PRIMARY KEY (id),
        CONSTRAINT fk_role_changes_server_id_run_id_role_runs FOREIGN KEY(server_id, run_id)
            REFERENCES guild_identity.role_runs (server_id, id),
        CONSTRAINT fk_role_changes_server_id_user_id_discord_users FOREIGN KEY(server_id, user_id)
            REFERENCES guild_identity.discord_users (server_id, user_id),
        CONSTRAINT ck_role_changes_roleact CHECK (act IN ('give', 'take')),
        CONSTRAINT ck_role_changes_changestate CHECK (state IN ('planned', 'done', 'skipped', 'failed'))
    )
    """,
    """
    CREATE INDEX ix_role_changes_run_id ON guild_identity.role_changes (run_id)
    """,
    """
    CREATE UNIQUE INDEX uq_role_changes_planned
        ON guild_identity.role_changes (server_id, user_id, role_id)
            WHERE state = 'planned'
    """,
    """
    CREATE INDEX ix_audit_issues_server_id_resolved_at ON guild_identity.audit_issues (server_id, resolved_at)
    """,
    """
    CREATE UNIQUE INDEX uq_audit_issues_put_aside
        ON guild_identity.audit_issues (server_id, rule, subject_kind, subject_id)
            WHERE state = 'resolved' AND muted
    """,
)

TABLES = (
    "role_changes",
    "role_runs",
    "role_ledger",
    "pending_proofs",
    "player_availability",
    "audit_rule_settings",
)
INDICES = ("uq_audit_issues_put_aside", "ix_audit_issues_server_id_resolved_at")
ISSUE_COLUMNS = {
    "ignored_at": "TIMESTAMP WITH TIME ZONE",
    "ignored_by": "BIGINT",
    "ignored_until": "TIMESTAMP WITH TIME ZONE",
    "note": "TEXT",
    "muted": "BOOLEAN NOT NULL DEFAULT false",
}
SERVER_COLUMNS = {
    "data_days": "SMALLINT NOT NULL DEFAULT 3",
    "digest": "BOOLEAN NOT NULL DEFAULT true",
    "digest_at": "TIMESTAMP WITH TIME ZONE",
    "role_sync": "BOOLEAN NOT NULL DEFAULT false",
}
SUBJECTS = "'character', 'member', 'player', 'rank', 'server', 'rule'"
SUBJECT_TABLES = ("audit_issues", "action_log")


def upgrade() -> None:
    for table, columns in ((ISSUES, ISSUE_COLUMNS), (SERVERS, SERVER_COLUMNS)):
        for name, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
            if "DEFAULT" in kind:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT")
    for statement in CREATE:
        op.execute(statement)
    _allow_subjects(SUBJECTS.replace("'rule'", "'reference', 'rule'"))


def downgrade() -> None:
    # What the older tables cannot hold goes.
    for table in SUBJECT_TABLES:
        op.execute(f"DELETE FROM guild_identity.{table} WHERE subject_kind = 'reference'")  # noqa: S608 (names of ours)
    op.execute("DELETE FROM guild_identity.outbox WHERE kind = 'role'")
    _allow_subjects(SUBJECTS)
    for table in TABLES:
        op.execute(f"DROP TABLE guild_identity.{table}")
    for index in INDICES:
        op.execute(f"DROP INDEX guild_identity.{index}")
    for table, columns in ((ISSUES, ISSUE_COLUMNS), (SERVERS, SERVER_COLUMNS)):
        for name in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")


def _allow_subjects(values: str) -> None:
    for table in SUBJECT_TABLES:
        constraint = f"ck_{table}_subjectkind"
        op.execute(f"ALTER TABLE guild_identity.{table} DROP CONSTRAINT {constraint}")
        op.execute(f"ALTER TABLE guild_identity.{table} ADD CONSTRAINT {constraint} CHECK (subject_kind IN ({values}))")
