"""Tell PostgreSQL what share of a table one server has, and one guild, which too few rows do not show.

Revision: 0008
After: 0007
Created: 2026-11-21
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A thousand rows. Where it has seen but one row, PostgreSQL takes whatever is in it for unique: until it looks again,
# it finds a member by the server alone, and looks through a large guild for each one in it. Where a few servers have
# most of the rows, it still counts those itself.
SHARE = -0.001

TABLES = {
    "server_id": (
        "guild_identity.action_log",
        "guild_identity.alt_groups",
        "guild_identity.audit_issues",
        "guild_identity.character_notes",
        "guild_identity.discord_users",
        "guild_identity.link_claims",
        "guild_identity.link_contradictions",
        "guild_identity.link_history",
        "guild_identity.link_suggestions",
        "guild_identity.note_aliases",
        "guild_identity.outbox",
        "guild_identity.pending_proofs",
        "guild_identity.player_availability",
        "guild_identity.player_characters",
        "guild_identity.player_members",
        "guild_identity.players",
        "guild_identity.rank_overrides",
        "guild_identity.rejected_candidates",
        "guild_identity.role_changes",
        "guild_identity.role_ledger",
        "guild_identity.rule_verdicts",
    ),
    "guild_id": ("common.guild_memberships", "common.held_departures", "common.rank_history"),
}


def upgrade() -> None:
    for column, tables in TABLES.items():
        for table in tables:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET (n_distinct = {SHARE})")


def downgrade() -> None:
    for column, tables in TABLES.items():
        for table in tables:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} RESET (n_distinct)")
