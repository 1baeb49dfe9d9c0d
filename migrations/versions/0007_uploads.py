"""Keep what is uploaded from the game, the keys of those who send it, and which ranks' names are the game's own.

Revision: 0007
After: 0006
Created: 2026-11-21
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CREATE = (
    """
    CREATE TABLE guild_identity.upload_keys (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        public_id TEXT NOT NULL,
        server_id BIGINT NOT NULL,
        guild_id BIGINT NOT NULL,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        secret_hash BYTEA NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by BIGINT NOT NULL,
        rotated_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        revoked_by BIGINT,
        CONSTRAINT pk_upload_keys PRIMARY KEY (id),
        CONSTRAINT uq_upload_keys_public_id UNIQUE (public_id),
        CONSTRAINT uq_upload_keys_server_id_id UNIQUE (server_id, id),
        CONSTRAINT fk_upload_keys_server_id_servers FOREIGN KEY(server_id) REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_upload_keys_guild_id_guilds FOREIGN KEY(guild_id) REFERENCES common.guilds (id)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_upload_keys_in_force
        ON guild_identity.upload_keys (server_id, name_key)
            WHERE revoked_at IS NULL
    """,
    """
    CREATE TABLE guild_identity.uploads (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        public_id TEXT NOT NULL,
        server_id BIGINT NOT NULL,
        guild_id BIGINT NOT NULL,
        key_id BIGINT NOT NULL,
        format SMALLINT NOT NULL,
        export_id TEXT NOT NULL,
        exported_at TIMESTAMP WITH TIME ZONE NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        exporter TEXT,
        addon_version TEXT,
        officer_notes BOOLEAN NOT NULL,
        row_count INTEGER NOT NULL,
        body BYTEA,
        state VARCHAR(32) NOT NULL,
        applied_at TIMESTAMP WITH TIME ZONE,
        followed_at TIMESTAMP WITH TIME ZONE,
        result JSONB,
        CONSTRAINT pk_uploads PRIMARY KEY (id),
        CONSTRAINT uq_uploads_public_id UNIQUE (public_id),
        CONSTRAINT uq_uploads_server_id_guild_id_export_id UNIQUE (server_id, guild_id, export_id),
        CONSTRAINT fk_uploads_server_id_servers FOREIGN KEY(server_id) REFERENCES guild_identity.servers (id),
        CONSTRAINT fk_uploads_guild_id_guilds FOREIGN KEY(guild_id) REFERENCES common.guilds (id),
        CONSTRAINT fk_uploads_server_id_key_id_upload_keys FOREIGN KEY(server_id, key_id)
            REFERENCES guild_identity.upload_keys (server_id, id),
        CONSTRAINT ck_uploads_uploadstate CHECK (state IN ('received', 'applied', 'older', 'failed'))
    )
    """,
    """
    CREATE INDEX ix_uploads_server_id_guild_id_exported_at
        ON guild_identity.uploads (server_id, guild_id, exported_at)
    """,
    """
    CREATE INDEX ix_uploads_key_id_received_at ON guild_identity.uploads (key_id, received_at)
    """,
    """
    CREATE INDEX ix_uploads_unfinished
        ON guild_identity.uploads (server_id, id)
            WHERE state = 'received' OR (state = 'applied' AND followed_at IS NULL)
    """,
)
COLUMNS = {
    "guild_ranks": {"titled": "BOOLEAN NOT NULL DEFAULT false"},
    "servers": {"note_days": "SMALLINT NOT NULL DEFAULT 7"},
}
TRIGGERS = "'timer', 'command'"


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.execute(f"ALTER TABLE guild_identity.{table} ADD COLUMN {name} {kind}")
            op.execute(f"ALTER TABLE guild_identity.{table} ALTER COLUMN {name} DROP DEFAULT")
    for statement in CREATE:
        op.execute(statement)
    _allow_triggers(f"{TRIGGERS}, 'upload'")


def downgrade() -> None:
    # What the older tables cannot hold goes.
    op.execute("DELETE FROM common.sync_log WHERE trigger = 'upload'")
    op.execute("DELETE FROM jobs.pgqueuer WHERE entrypoint = 'uploads'")
    _allow_triggers(TRIGGERS)
    for table in ("uploads", "upload_keys"):
        op.execute(f"DROP TABLE guild_identity.{table}")
    for table, columns in COLUMNS.items():
        for name in columns:
            op.execute(f"ALTER TABLE guild_identity.{table} DROP COLUMN {name}")


def _allow_triggers(values: str) -> None:
    op.execute("ALTER TABLE common.sync_log DROP CONSTRAINT ck_sync_log_trigger")
    op.execute(f"ALTER TABLE common.sync_log ADD CONSTRAINT ck_sync_log_trigger CHECK (trigger IN ({values}))")
