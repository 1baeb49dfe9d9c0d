"""Seed the game data that ids point to: roles, classes, specializations, professions.

As of the Midnight expansion. An id that is not listed here is stored and shown all the same.

Revision: 0002
After: 0001
Created: 2026-11-20
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TANK, HEALER, MELEE, RANGED = 1, 2, 3, 4

ROLES = [
    {"id": TANK, "key": "tank", "name": "Tank"},
    {"id": HEALER, "key": "healer", "name": "Healer"},
    {"id": MELEE, "key": "melee", "name": "Melee damage"},
    {"id": RANGED, "key": "ranged", "name": "Ranged damage"},
]

# id, name, colour, and the specializations as id, name, usual role
CLASSES = [
    (1, "Warrior", "C69B6D", [(71, "Arms", MELEE), (72, "Fury", MELEE), (73, "Protection", TANK)]),
    (2, "Paladin", "F48CBA", [(65, "Holy", HEALER), (66, "Protection", TANK), (70, "Retribution", MELEE)]),
    (3, "Hunter", "AAD372", [(253, "Beast Mastery", RANGED), (254, "Marksmanship", RANGED), (255, "Survival", MELEE)]),
    (4, "Rogue", "FFF468", [(259, "Assassination", MELEE), (260, "Outlaw", MELEE), (261, "Subtlety", MELEE)]),
    (5, "Priest", "FFFFFF", [(256, "Discipline", HEALER), (257, "Holy", HEALER), (258, "Shadow", RANGED)]),
    (6, "Death Knight", "C41E3A", [(250, "Blood", TANK), (251, "Frost", MELEE), (252, "Unholy", MELEE)]),
    (7, "Shaman", "0070DD", [(262, "Elemental", RANGED), (263, "Enhancement", MELEE), (264, "Restoration", HEALER)]),
    (8, "Mage", "3FC7EB", [(62, "Arcane", RANGED), (63, "Fire", RANGED), (64, "Frost", RANGED)]),
    (9, "Warlock", "8788EE", [(265, "Affliction", RANGED), (266, "Demonology", RANGED), (267, "Destruction", RANGED)]),
    (10, "Monk", "00FF98", [(268, "Brewmaster", TANK), (269, "Windwalker", MELEE), (270, "Mistweaver", HEALER)]),
    (
        11,
        "Druid",
        "FF7C0A",
        [(102, "Balance", RANGED), (103, "Feral", MELEE), (104, "Guardian", TANK), (105, "Restoration", HEALER)],
    ),
    (12, "Demon Hunter", "A330C9", [(577, "Havoc", MELEE), (581, "Vengeance", TANK), (1480, "Devourer", RANGED)]),
    (
        13,
        "Evoker",
        "33937F",
        [(1467, "Devastation", RANGED), (1468, "Preservation", HEALER), (1473, "Augmentation", RANGED)],
    ),
]

PROFESSIONS = {
    "primary": {
        "Alchemy": 171,
        "Blacksmithing": 164,
        "Enchanting": 333,
        "Engineering": 202,
        "Inscription": 773,
        "Jewelcrafting": 755,
        "Leatherworking": 165,
        "Tailoring": 197,
    },
    "gathering": {"Herbalism": 182, "Mining": 186, "Skinning": 393},
    "secondary": {"Cooking": 185, "Fishing": 356, "Archaeology": 794},
}


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns), schema="common")


roles = _table("roles", "id", "key", "name")
classes = _table("classes", "id", "name", "colour")
specializations = _table("specializations", "id", "class_id", "name", "default_role_id")
professions = _table("professions", "id", "name", "kind")


def upgrade() -> None:
    op.bulk_insert(roles, ROLES)
    op.bulk_insert(classes, [{"id": id_, "name": name, "colour": colour} for id_, name, colour, _ in CLASSES])
    op.bulk_insert(
        specializations,
        [
            {"id": spec_id, "class_id": class_id, "name": name, "default_role_id": role}
            for class_id, _, _, specs in CLASSES
            for spec_id, name, role in specs
        ],
    )
    op.bulk_insert(
        professions,
        [{"id": id_, "name": name, "kind": kind} for kind, group in PROFESSIONS.items() for name, id_ in group.items()],
    )


def downgrade() -> None:
    for table in (professions, specializations, classes, roles):
        op.execute(sa.delete(table))
