"""Public facts of guilds and characters, shared by all servers: only what Battle.net tells everybody."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, BlizzardId, Identity, enum_by_value
from domain.regions import Region
from domain.roster import Departure


class Guild(Base):
    """A guild on its home realm; `roster_synced_at` is the time of the last whole roster."""

    __tablename__ = "guilds"
    __table_args__ = (sa.UniqueConstraint("region", "realm_id", "blizzard_id"), {"schema": "common"})

    id: Mapped[Identity]
    region: Mapped[Region] = mapped_column(enum_by_value(Region))
    realm_id: Mapped[int]
    realm_slug: Mapped[str]
    realm_name: Mapped[str]
    blizzard_id: Mapped[BlizzardId]
    name: Mapped[str]
    slug: Mapped[str]
    faction: Mapped[str | None]
    crest: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    roster_synced_at: Mapped[datetime | None]


class Character(Base):
    """A character; its identity is (region, realm id, Blizzard id), name and realm slug are attributes."""

    __tablename__ = "wow_characters"
    __table_args__ = (
        sa.UniqueConstraint("region", "realm_id", "blizzard_id"),
        sa.Index(None, "name_key"),
        {"schema": "common"},
    )

    id: Mapped[Identity]
    region: Mapped[Region] = mapped_column(enum_by_value(Region))
    realm_id: Mapped[int]
    blizzard_id: Mapped[BlizzardId]
    name: Mapped[str]
    name_key: Mapped[str]
    realm_slug: Mapped[str]
    realm_name: Mapped[str | None]
    class_id: Mapped[int]
    race_id: Mapped[int | None]
    level: Mapped[int]
    faction: Mapped[str | None]
    gender: Mapped[str | None]
    spec_id: Mapped[int | None]
    equipped_item_level: Mapped[int | None]
    achievement_points: Mapped[int | None]
    last_login_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]


class ProfileCheck(Base):
    """When Battle.net last answered for a character's profile, whatever it answered; an outage does not count.

    Apart from the character, so that an answer that changes nothing writes no character row. `last_modified` is
    the header of the stored profile, sent back as If-Modified-Since.
    """

    __tablename__ = "profile_checks"
    __table_args__ = {"schema": "common"}  # noqa: RUF012

    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    checked_at: Mapped[datetime]
    last_modified: Mapped[str | None]


class Membership(Base):
    """A period of a character in a guild; open while `left_at` is null."""

    __tablename__ = "guild_memberships"
    __table_args__ = (
        sa.Index(
            "uq_guild_memberships_open",
            "guild_id",
            "character_id",
            unique=True,
            postgresql_where=sa.text("left_at IS NULL"),
        ),
        sa.Index(None, "character_id"),
        sa.CheckConstraint("rank BETWEEN 0 AND 9", name="rank"),
        {"schema": "common"},
    )

    id: Mapped[Identity]
    guild_id: Mapped[int] = mapped_column(sa.ForeignKey("common.guilds.id"))
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"))
    rank: Mapped[int] = mapped_column(sa.SmallInteger)
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class RankChange(Base):
    """A rank move as a run saw it."""

    __tablename__ = "rank_history"
    __table_args__ = (sa.Index(None, "character_id", "guild_id"), {"schema": "common"})

    id: Mapped[Identity]
    guild_id: Mapped[int] = mapped_column(sa.ForeignKey("common.guilds.id"))
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"))
    old_rank: Mapped[int] = mapped_column(sa.SmallInteger)
    new_rank: Mapped[int] = mapped_column(sa.SmallInteger)
    seen_at: Mapped[datetime]
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("common.sync_log.id"))


class FormerName(Base):
    """A name and realm that a character bore until a run saw another."""

    __tablename__ = "character_names"
    __table_args__ = (sa.Index(None, "character_id"), sa.Index(None, "name_key"), {"schema": "common"})

    id: Mapped[Identity]
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    realm_id: Mapped[int]
    realm_slug: Mapped[str]
    borne_until: Mapped[datetime]
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("common.sync_log.id"))


class HeldDeparture(Base):
    """A departure that waits for an officer (held) or that one has refused (kept)."""

    __tablename__ = "held_departures"
    __table_args__ = {"schema": "common"}  # noqa: RUF012

    guild_id: Mapped[int] = mapped_column(sa.ForeignKey("common.guilds.id"), primary_key=True)
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    state: Mapped[Departure] = mapped_column(enum_by_value(Departure))
    held_at: Mapped[datetime]
