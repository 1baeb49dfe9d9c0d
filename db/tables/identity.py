"""What matching works on and leaves behind: notes, aliases, alt groups, suggestions, contradictions, past links."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identity, Snowflake, enum_by_value
from db.tables.people import SCHEMA
from domain.links import ClaimState, Confidence, LinkEnd, Source, Verdict


def _of_member() -> sa.ForeignKeyConstraint:
    """Tie a user to the member of the same server."""
    return sa.ForeignKeyConstraint(
        ["server_id", "user_id"],
        ["guild_identity.discord_users.server_id", "guild_identity.discord_users.user_id"],
    )


class CharacterNote(Base):
    """A character's notes as a server's officers see them, each with when it was read; None is unknown, "" empty."""

    __tablename__ = "character_notes"
    __table_args__ = {"schema": SCHEMA}  # noqa: RUF012

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    guild_note: Mapped[str | None]
    guild_note_at: Mapped[datetime | None]
    officer_note: Mapped[str | None]
    officer_note_at: Mapped[datetime | None]


class NoteAlias(Base):
    """An officer's word on what a name in notes means: a member or a character."""

    __tablename__ = "note_aliases"
    __table_args__ = (
        _of_member(),
        sa.CheckConstraint("num_nonnulls(user_id, character_id) = 1", name="one_meaning"),
        {"schema": SCHEMA},
    )

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    alias_key: Mapped[str] = mapped_column(primary_key=True)
    alias: Mapped[str]
    user_id: Mapped[Snowflake | None]
    character_id: Mapped[int | None] = mapped_column(sa.ForeignKey("common.wow_characters.id"))
    set_by: Mapped[Snowflake]
    set_at: Mapped[datetime]


class AltGroup(Base):
    """A character tied to others by notes alone; the group is named by its lowest character id."""

    __tablename__ = "alt_groups"
    __table_args__ = (sa.Index(None, "server_id", "group_id"), {"schema": SCHEMA})

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"))


class LinkSuggestion(Base):
    """A link for a person to decide.

    `candidates` are [{user_id, evidence: [...]}], the likeliest first. `confidence` is set where the evidence would
    carry the link to the first of them, but the server leaves such links to its officers.
    """

    __tablename__ = "link_suggestions"
    __table_args__ = {"schema": SCHEMA}  # noqa: RUF012

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    candidates: Mapped[list[Any]]
    confidence: Mapped[Confidence | None] = mapped_column(enum_by_value(Confidence))
    run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("common.sync_log.id"))
    suggested_at: Mapped[datetime]
    later_at: Mapped[datetime | None]
    """When an officer last put it off; those come after all others."""


class LinkContradiction(Base):
    """A linked character whose note or name speaks for somebody else; `user_ids` are those it names."""

    __tablename__ = "link_contradictions"
    __table_args__ = {"schema": SCHEMA}  # noqa: RUF012

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    user_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    evidence: Mapped[list[Any]]
    found_at: Mapped[datetime]


class PastLink(Base):
    """A link that ended: whose the character was, why, and what ended it."""

    __tablename__ = "link_history"
    __table_args__ = (sa.Index(None, "server_id", "character_id"), {"schema": SCHEMA})

    id: Mapped[Identity]
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"))
    player_public_id: Mapped[str]
    user_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    source: Mapped[Source] = mapped_column(enum_by_value(Source))
    confidence: Mapped[Confidence] = mapped_column(enum_by_value(Confidence))
    evidence: Mapped[dict[str, Any]]
    linked_at: Mapped[datetime]
    linked_by: Mapped[Snowflake | None]
    run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("common.sync_log.id"))
    ended_at: Mapped[datetime]
    ended_by: Mapped[Snowflake | None]
    ended: Mapped[LinkEnd] = mapped_column(enum_by_value(LinkEnd))


class RuleVerdict(Base):
    """What a person said of a link or a suggestion of a rule; the last word on a pair counts.

    `was_linked` tells a link that the rule had made from one that it only suggested.
    """

    __tablename__ = "rule_verdicts"
    __table_args__ = (_of_member(), {"schema": SCHEMA})

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    rule_version: Mapped[int] = mapped_column(sa.SmallInteger)
    verdict: Mapped[Verdict] = mapped_column(enum_by_value(Verdict))
    was_linked: Mapped[bool]
    given_by: Mapped[Snowflake]
    given_at: Mapped[datetime]


class Claim(Base):
    """A member's word that a character is theirs; it grants nothing until an officer confirms it."""

    __tablename__ = "link_claims"
    __table_args__ = (
        _of_member(),
        sa.UniqueConstraint("public_id"),
        sa.Index(
            "uq_link_claims_open",
            "server_id",
            "character_id",
            "user_id",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
        ),
        {"schema": SCHEMA},
    )

    id: Mapped[Identity]
    public_id: Mapped[str]
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"))
    user_id: Mapped[Snowflake]
    state: Mapped[ClaimState] = mapped_column(enum_by_value(ClaimState))
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[Snowflake | None]


class MatchingState(Base):
    """What a server's matching last looked at: while it hashes to the same fingerprint, there is nothing new."""

    __tablename__ = "matching_state"
    __table_args__ = {"schema": SCHEMA}  # noqa: RUF012

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    fingerprint: Mapped[str]
    matched_at: Mapped[datetime]
    run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("common.sync_log.id"))
