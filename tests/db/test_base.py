"""Column types: what may be stored, and how it comes back."""

from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, StrEnum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from db.base import NAMING_CONVENTION, Base, Identity, Snowflake, UtcDateTime, enum_by_value


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class OwnBase(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = Base.type_annotation_map


class Sample(OwnBase):
    __tablename__ = "sample"

    id: Mapped[Identity]
    member_id: Mapped[Snowflake]
    at: Mapped[datetime | None]
    colour: Mapped[Colour] = mapped_column(enum_by_value(Colour))
    detail: Mapped[dict[str, Any] | None]


@pytest.fixture
async def samples(sessions: async_sessionmaker[AsyncSession]) -> async_sessionmaker[AsyncSession]:
    async with sessions.begin() as session:
        await (await session.connection()).run_sync(OwnBase.metadata.create_all)
    return sessions


async def test_a_moment_comes_back_in_utc(samples: async_sessionmaker[AsyncSession]) -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=9)))
    async with samples.begin() as session:
        session.add(Sample(member_id=2**62, at=moment, colour=Colour.RED))
    async with samples() as session:
        row = (await session.execute(sa.select(Sample))).scalar_one()
        assert row.at == moment
        assert row.at.tzinfo is UTC
        assert (row.member_id, row.colour, row.detail) == (2**62, Colour.RED, None)


async def test_a_moment_without_a_time_zone_is_refused(samples: async_sessionmaker[AsyncSession]) -> None:
    async with samples() as session:
        session.add(Sample(member_id=1, at=datetime(2026, 1, 1), colour=Colour.RED))  # noqa: DTZ001
        with pytest.raises(StatementError, match="without a time zone"):
            await session.flush()


async def test_a_naive_moment_in_a_filter_is_refused_too(samples: async_sessionmaker[AsyncSession]) -> None:
    async with samples() as session:
        with pytest.raises(StatementError, match="without a time zone"):
            await session.execute(sa.select(Sample).where(Sample.at < datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_an_enum_is_stored_by_value(samples: async_sessionmaker[AsyncSession]) -> None:
    async with samples.begin() as session:
        session.add(Sample(member_id=1, colour=Colour.BLUE))
        await session.flush()
        assert (await session.execute(sa.text("SELECT colour FROM sample"))).scalar_one() == "blue"


async def test_the_database_itself_refuses_a_value_outside_the_enum(samples: async_sessionmaker[AsyncSession]) -> None:
    async with samples() as session:
        with pytest.raises(DBAPIError, match="ck_sample_colour"):
            await session.execute(sa.text("INSERT INTO sample (member_id, colour) VALUES (1, 'green')"))


async def test_no_detail_is_null_and_not_the_json_null(samples: async_sessionmaker[AsyncSession]) -> None:
    async with samples.begin() as session:
        session.add(Sample(member_id=1, colour=Colour.RED, detail=None))
        await session.flush()
        assert (await session.execute(sa.text("SELECT detail IS NULL FROM sample"))).scalar_one() is True


def test_two_enum_columns_of_one_table_can_have_a_constraint_each() -> None:
    class Size(StrEnum):
        BIG = "big"

    table = sa.Table(
        "t",
        sa.MetaData(naming_convention=NAMING_CONVENTION),
        sa.Column("a", enum_by_value(Size, name="size_a")),
        sa.Column("b", enum_by_value(Size, name="size_b")),
        sa.Column("c", UtcDateTime()),
    )
    names = {str(c.name) for c in table.constraints if isinstance(c, sa.CheckConstraint)}
    assert names == {"ck_t_size_a", "ck_t_size_b"}
