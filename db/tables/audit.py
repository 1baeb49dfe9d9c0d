"""Findings and the log of every change to a link, a rank map, a role or a finding."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identity, Snowflake, enum_by_value
from domain.audit import Severity, State, SubjectKind


class Issue(Base):
    """A finding; at most one that is not resolved for a rule and subject.

    `facts` hold the values that the text shows; `fingerprint` those whose change makes it a new problem.
    `counted_at` is set once a delivered report counted it, `notified_at` once one showed it by name. `muted` is set
    where a person ignored or resolved it: it does not come back while its fingerprint is the same, before
    `ignored_until`. `domain.audit_state` says what an audit makes of it.
    """

    __tablename__ = "audit_issues"
    __table_args__ = (
        sa.UniqueConstraint("public_id"),
        sa.Index(
            "uq_audit_issues_open",
            "server_id",
            "rule",
            "subject_kind",
            "subject_id",
            unique=True,
            postgresql_where=sa.text("state <> 'resolved'"),
        ),
        sa.Index(
            "uq_audit_issues_put_aside",
            "server_id",
            "rule",
            "subject_kind",
            "subject_id",
            unique=True,
            postgresql_where=sa.text("state = 'resolved' AND muted"),
        ),
        sa.Index(None, "server_id", "resolved_at"),
        {"schema": "guild_identity"},
    )

    id: Mapped[Identity]
    public_id: Mapped[str]
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    rule: Mapped[str]
    rule_version: Mapped[int] = mapped_column(sa.SmallInteger)
    severity: Mapped[Severity] = mapped_column(enum_by_value(Severity))
    subject_kind: Mapped[SubjectKind] = mapped_column(enum_by_value(SubjectKind))
    subject_id: Mapped[int] = mapped_column(sa.BigInteger)
    fingerprint: Mapped[str]
    facts: Mapped[dict[str, Any]]
    state: Mapped[State] = mapped_column(enum_by_value(State))
    opened_at: Mapped[datetime]
    counted_at: Mapped[datetime | None]
    notified_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[Snowflake | None]
    """The officer who resolved it; null where the rule did."""
    ignored_at: Mapped[datetime | None]
    ignored_by: Mapped[Snowflake | None]
    ignored_until: Mapped[datetime | None]
    """Null where it is ignored until it changes."""
    note: Mapped[str | None]
    """What an officer said when they ignored or resolved it."""
    muted: Mapped[bool] = mapped_column(default=False)


class RuleSetting(Base):
    """A rule of the audit that a server's officers switched off, or on again."""

    __tablename__ = "audit_rule_settings"
    __table_args__ = {"schema": "guild_identity"}  # noqa: RUF012 (SQLAlchemy reads it as a plain attribute)

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool]
    set_by: Mapped[Snowflake]
    set_at: Mapped[datetime]


class Action(Base):
    """One change by a person or a rule, with what was before and after."""

    __tablename__ = "action_log"
    __table_args__ = (sa.Index(None, "server_id", "at"), {"schema": "guild_identity"})

    id: Mapped[Identity]
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    at: Mapped[datetime]
    actor_id: Mapped[Snowflake | None]
    run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("common.sync_log.id"))
    rule: Mapped[str | None]
    rule_version: Mapped[int | None] = mapped_column(sa.SmallInteger)
    action: Mapped[str]
    subject_kind: Mapped[SubjectKind] = mapped_column(enum_by_value(SubjectKind))
    subject_id: Mapped[int] = mapped_column(sa.BigInteger)
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    evidence: Mapped[dict[str, Any] | None]
