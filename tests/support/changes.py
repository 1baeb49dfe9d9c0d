"""What can be done to a problem that a test planted."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.services import links, members
from bot.services.context import Context
from db.base import Base
from db.tables.people import PlayerCharacter
from domain.links import Source
from tests.support.clock import FakeClock
from tests.support.people import OFFICER, SERVER, facts, leave_guild


@dataclass(frozen=True, slots=True)
class Planted:
    """A problem as it stands: its subject, the characters Ana and Bo, and Ana's player, as far as it has any."""

    ctx: Context
    guild: int
    subject: int
    ana: int = 0
    bo: int = 0
    player: int = 0

    @property
    def now(self) -> datetime:
        """Give what time it is."""
        return self.ctx.clock()

    def wait(self, **duration: float) -> None:
        """Let time pass."""
        assert isinstance(self.ctx.clock, FakeClock)
        self.ctx.clock.advance(**duration)


Change = Callable[[Planted], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cause:
    """What a rule finds; `ends` are the ways in which it is gone, `renews` those in which it is another problem."""

    rule: str
    plant: Callable[[Context, int], Awaitable[Planted]]
    ends: Mapping[str, Change]
    renews: Mapping[str, Change] = field(default_factory=dict)


async def insert(ctx: Context, *rows: Base) -> None:
    """Insert rows, each after those before it."""
    async with ctx.sessions.begin() as session:
        for row in rows:
            session.add(row)
            await session.flush()


def setting(table: type[Base], *which: sa.ColumnElement[bool], **values: Any) -> Change:
    """Set columns of rows."""

    async def change(planted: Planted) -> None:
        async with planted.ctx.sessions.begin() as session:
            await session.execute(sa.update(table).where(*which).values(**values))

    return change


def deleting(table: type[Base], *which: sa.ColumnElement[bool]) -> Change:
    """Delete rows."""

    async def change(planted: Planted) -> None:
        async with planted.ctx.sessions.begin() as session:
            await session.execute(sa.delete(table).where(*which))

    return change


def linking(user_id: int) -> Change:
    """Let an officer say that Ana is a member's."""

    async def change(planted: Planted) -> None:
        await links.add(planted.ctx, SERVER, character_id=planted.ana, user_id=user_id, actor_id=OFFICER)

    return change


def going(user_id: int) -> Change:
    """Let a member leave the server."""

    async def change(planted: Planted) -> None:
        await members.member_left(planted.ctx, SERVER, user_id)

    return change


def holding(*roles: int, pending: bool = False) -> Change:
    """Let member 1 hold these roles."""

    async def change(planted: Planted) -> None:
        await members.member_changed(planted.ctx, SERVER, facts(1, role_ids=roles, pending=pending))

    return change


def one_after_another(*changes: Change) -> Change:
    """Do several things."""

    async def change(planted: Planted) -> None:
        for one in changes:
            await one(planted)

    return change


async def unlink(planted: Planted) -> None:
    """Let an officer take Ana from her player."""
    await links.remove(planted.ctx, SERVER, character_id=planted.ana, actor_id=OFFICER)


async def ana_leaves(planted: Planted) -> None:
    """Let Ana leave the guild."""
    await leave_guild(planted.ctx, planted.ana)


async def bo_leaves(planted: Planted) -> None:
    """Let Bo leave the guild."""
    await leave_guild(planted.ctx, planted.bo)


UNPROVEN = setting(PlayerCharacter, source=Source.NAME)
"""Let no link rest on a proof."""
