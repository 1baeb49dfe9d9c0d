"""Public reference data of the game: what ids mean."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, enum_by_value
from domain.regions import Region


class Role(Base):
    """A combat role: tank, healer, melee or ranged damage."""

    __tablename__ = "roles"
    __table_args__ = {"schema": "common"}  # noqa: RUF012 (SQLAlchemy reads it as a plain attribute)

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class CharacterClass(Base):
    """A playable class with the colour that the game gives it (RRGGBB)."""

    __tablename__ = "classes"
    __table_args__ = {"schema": "common"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str]
    colour: Mapped[str]


class Specialization(Base):
    """A specialization of a class and the role it usually fills."""

    __tablename__ = "specializations"
    __table_args__ = {"schema": "common"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("common.classes.id"))
    name: Mapped[str]
    default_role_id: Mapped[int] = mapped_column(sa.ForeignKey("common.roles.id"))


class Race(Base):
    """A playable race, named in English."""

    __tablename__ = "races"
    __table_args__ = {"schema": "common"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    name: Mapped[str]


class Profession(Base):
    """A profession; kind is primary, gathering or secondary."""

    __tablename__ = "professions"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('primary', 'gathering', 'secondary')", name="kind"),
        {"schema": "common"},
    )

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    name: Mapped[str]
    kind: Mapped[str]


class Realm(Base):
    """A realm of a region with its names in all locales ({locale: name})."""

    __tablename__ = "realms"
    __table_args__ = (sa.UniqueConstraint("region", "slug"), {"schema": "common"})

    region: Mapped[Region] = mapped_column(enum_by_value(Region), primary_key=True)
    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    slug: Mapped[str]
    names: Mapped[dict[str, Any]]
    fetched_at: Mapped[datetime]
