"""What ids of the game mean, as Battle.net told it where this release did not know."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.reference import CharacterClass, Role, Specialization

COLOUR: Final = "FFFFFF"
"""The colour of a class that only Battle.net knows: it tells none."""
DAMAGE: Final = {"id": 5, "key": "damage", "name": "Damage"}
"""The role of a specialization of which nobody has said whether it is melee or ranged."""


async def store_class(session: AsyncSession, class_id: int, name: str) -> None:
    """Store a class; a known one stays as it is."""
    values = {"id": class_id, "name": name, "colour": COLOUR}
    await session.execute(insert(CharacterClass).values(values).on_conflict_do_nothing())


async def store_specialization(session: AsyncSession, spec_id: int, class_id: int, name: str, role: str) -> None:
    """Store a specialization of a stored class, by the game's word for its role; a known one stays as it is."""
    key = role.lower() if role in ("TANK", "HEALER") else DAMAGE["key"]
    await session.execute(insert(Role).values(DAMAGE).on_conflict_do_nothing())
    await session.execute(
        insert(Specialization)
        .from_select(
            ["id", "class_id", "name", "default_role_id"],
            sa.select(sa.literal(spec_id), sa.literal(class_id), sa.literal(name), Role.id).where(Role.key == key),
        )
        .on_conflict_do_nothing()
    )
