"""What every table stands on: the declarative base, constraint names and column types."""

from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SCHEMAS = ("common", "guild_identity", "voting", "jobs")
ENUM_LENGTH = 32


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Store a moment as timestamptz; a naive one is refused with ValueError, a stored one comes back in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a moment without a time zone."""
        if value is not None and value.utcoffset() is None:
            raise ValueError(f"a moment without a time zone cannot be stored: {value!r}")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the moment in UTC, whatever the session's time zone."""
        return None if value is None else value.astimezone(UTC)


def enum_by_value(enum: type[Enum], *, name: str | None = None) -> sa.Enum:
    """Store an enum's values as text, with a CHECK that lists them.

    The constraint is called `ck_<table>_<name>`; without a name, the enum's own name in lower case. Two columns
    of one table that hold the same enum need a name each.
    """
    return sa.Enum(
        enum,
        name=name or enum.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=ENUM_LENGTH,
        values_callable=lambda members: [str(member.value) for member in members],
        validate_strings=True,
    )


Identity = Annotated[int, mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)]
"""A table's own key, given by the database."""

Snowflake = Annotated[int, mapped_column(sa.BigInteger)]
"""A Discord id."""

BlizzardId = Annotated[int, mapped_column(sa.BigInteger)]
"""An id as Battle.net gives it."""


class Base(DeclarativeBase):
    """Collect the tables of Muster; plain annotations map to PostgreSQL's types as listed here."""

    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 (read by SQLAlchemy as a plain class attribute)
        str: sa.Text(),
        datetime: UtcDateTime(),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
    }
