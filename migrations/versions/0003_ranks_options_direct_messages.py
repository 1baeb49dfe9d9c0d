"""Let servers set ranks and options, officers override a rank, and messages go to a user.

Revision: 0003
After: 0002
Created: 2026-11-20
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERVERS = "guild_identity.servers"
OUTBOX = "guild_identity.outbox"
OPTIONS = {
    "rank_truth": ("VARCHAR(32)", "'report-only'"),
    "link_mode": ("VARCHAR(32)", "'automatic'"),
    "roster_interval_hours": ("SMALLINT", "6"),
    "member_interval_minutes": ("SMALLINT", "15"),
    "stale_days": ("SMALLINT", "30"),
    "report_lines": ("SMALLINT", "20"),
}
"""Type and the value that servers start with; the product gives it to later ones."""
SOURCES = "'blizzard_api', 'discord_bot', 'addon_upload', 'crafting_sync', 'static_data'"

SUBJECTS = "'character', 'member', 'player', 'rank', 'server'"
RULE_TABLES = ("audit_issues", "action_log")
OF_RUNS = ("action_log", "player_characters", "player_members")
"""What may come of a run of profiles: matching follows it."""


def upgrade() -> None:
    for name, (type_, value) in OPTIONS.items():
        op.execute(f"ALTER TABLE {SERVERS} ADD COLUMN {name} {type_} NOT NULL DEFAULT {value}")
        op.execute(f"ALTER TABLE {SERVERS} ALTER COLUMN {name} DROP DEFAULT")
    op.execute(f"ALTER TABLE {SERVERS} ADD COLUMN returned_at TIMESTAMP WITH TIME ZONE")
    op.execute(
        f"ALTER TABLE {SERVERS} ADD CONSTRAINT ck_servers_ranktruth CHECK (rank_truth IN ('game', 'report-only'))"
    )
    op.execute(
        f"ALTER TABLE {SERVERS} ADD CONSTRAINT ck_servers_linkmode CHECK (link_mode IN ('automatic', 'suggest'))"
    )
    op.execute(
        """
        CREATE TABLE guild_identity.rank_overrides (
            server_id BIGINT NOT NULL,
            player_id BIGINT NOT NULL,
            rank_index SMALLINT NOT NULL,
            reason TEXT NOT NULL,
            set_by BIGINT NOT NULL,
            set_at TIMESTAMP WITH TIME ZONE NOT NULL,
            ends_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_rank_overrides PRIMARY KEY (server_id, player_id),
            CONSTRAINT ck_rank_overrides_rank_index CHECK (rank_index BETWEEN 0 AND 9),
            CONSTRAINT fk_rank_overrides_server_id_player_id_players FOREIGN KEY (server_id, player_id)
                REFERENCES guild_identity.players (server_id, id) ON DELETE CASCADE
        )
        """
    )
    op.execute(f"ALTER TABLE {OUTBOX} ALTER COLUMN channel_id DROP NOT NULL")
    op.execute(f"ALTER TABLE {OUTBOX} ADD COLUMN user_id BIGINT")
    op.execute(
        f"ALTER TABLE {OUTBOX} ADD CONSTRAINT ck_outbox_one_target CHECK (num_nonnulls(channel_id, user_id) = 1)"
    )
    _index_outbox("channel_id, user_id, id")
    op.execute(f"CREATE INDEX ix_outbox_server_id_finished_at ON {OUTBOX} (server_id, finished_at)")
    _allow_sources(SOURCES.replace("'discord_bot'", "'blizzard_profiles', 'discord_bot'"))
    _allow_subjects(f"{SUBJECTS}, 'rule'")


def downgrade() -> None:
    # What the older tables cannot hold goes.
    op.execute("DELETE FROM guild_identity.audit_issues WHERE subject_kind = 'rule'")
    op.execute("DELETE FROM guild_identity.action_log WHERE subject_kind = 'rule'")
    for table in OF_RUNS:
        op.execute(
            f"UPDATE guild_identity.{table} SET run_id = NULL"  # noqa: S608 (a name of this module)
            " WHERE run_id IN (SELECT id FROM common.sync_log WHERE source = 'blizzard_profiles')"
        )
    op.execute("DELETE FROM common.sync_log WHERE source = 'blizzard_profiles'")
    op.execute("DELETE FROM guild_identity.outbox WHERE channel_id IS NULL")
    _allow_subjects(SUBJECTS)
    _allow_sources(SOURCES)
    op.execute("DROP INDEX guild_identity.ix_outbox_server_id_finished_at")
    op.execute("DROP INDEX guild_identity.ix_outbox_undelivered")
    op.execute(f"ALTER TABLE {OUTBOX} DROP CONSTRAINT ck_outbox_one_target")
    op.execute(f"ALTER TABLE {OUTBOX} DROP COLUMN user_id")
    op.execute(f"ALTER TABLE {OUTBOX} ALTER COLUMN channel_id SET NOT NULL")
    _create_outbox_index("channel_id, id")
    op.execute("DROP TABLE guild_identity.rank_overrides")
    for name in (*OPTIONS, "returned_at"):
        op.execute(f"ALTER TABLE {SERVERS} DROP COLUMN {name}")


def _index_outbox(columns: str) -> None:
    op.execute("DROP INDEX guild_identity.ix_outbox_undelivered")
    _create_outbox_index(columns)


def _create_outbox_index(columns: str) -> None:
    op.execute(f"CREATE INDEX ix_outbox_undelivered ON {OUTBOX} ({columns}) WHERE state IN ('pending', 'sending')")


def _allow_sources(values: str) -> None:
    op.execute("ALTER TABLE common.sync_log DROP CONSTRAINT ck_sync_log_runsource")
    op.execute(f"ALTER TABLE common.sync_log ADD CONSTRAINT ck_sync_log_runsource CHECK (source IN ({values}))")


def _allow_subjects(values: str) -> None:
    for table in RULE_TABLES:
        constraint = f"ck_{table}_subjectkind"
        op.execute(f"ALTER TABLE guild_identity.{table} DROP CONSTRAINT {constraint}")
        op.execute(f"ALTER TABLE guild_identity.{table} ADD CONSTRAINT {constraint} CHECK (subject_kind IN ({values}))")
