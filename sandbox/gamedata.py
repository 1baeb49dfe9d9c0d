"""The few facts of the game that the stand-ins repeat: locales, classes with their specializations, races."""

LOCALES = (
    "en_US", "es_MX", "pt_BR", "de_DE", "en_GB", "es_ES", "fr_FR", "it_IT", "ru_RU", "ko_KR", "zh_TW", "zh_CN",
)  # fmt: skip
REGIONS = {"us": (1, "North America"), "kr": (2, "Korea"), "eu": (3, "Europe"), "tw": (4, "Taiwan")}
LEVEL_CAP = 90

CLASSES = {
    1: "Warrior",
    2: "Paladin",
    3: "Hunter",
    4: "Rogue",
    5: "Priest",
    6: "Death Knight",
    7: "Shaman",
    8: "Mage",
    9: "Warlock",
    10: "Monk",
    11: "Druid",
    12: "Demon Hunter",
    13: "Evoker",
}

# Class id -> specialization id -> name.
SPECS = {
    1: {71: "Arms", 72: "Fury", 73: "Protection"},
    2: {65: "Holy", 66: "Protection", 70: "Retribution"},
    3: {253: "Beast Mastery", 254: "Marksmanship", 255: "Survival"},
    4: {259: "Assassination", 260: "Outlaw", 261: "Subtlety"},
    5: {256: "Discipline", 257: "Holy", 258: "Shadow"},
    6: {250: "Blood", 251: "Frost", 252: "Unholy"},
    7: {262: "Elemental", 263: "Enhancement", 264: "Restoration"},
    8: {62: "Arcane", 63: "Fire", 64: "Frost"},
    9: {265: "Affliction", 266: "Demonology", 267: "Destruction"},
    10: {268: "Brewmaster", 269: "Windwalker", 270: "Mistweaver"},
    11: {102: "Balance", 103: "Feral", 104: "Guardian", 105: "Restoration"},
    12: {577: "Havoc", 581: "Vengeance", 1480: "Devourer"},
    13: {1467: "Devastation", 1468: "Preservation", 1473: "Augmentation"},
}
TANKS_AND_HEALERS = {
    spec_id: role
    for role, specs in {
        "TANK": (66, 73, 104, 250, 268, 581),
        "HEALER": (65, 105, 256, 257, 264, 270, 1468),
    }.items()
    for spec_id in specs
}
SPEC_NAMES = {spec_id: name for specs in SPECS.values() for spec_id, name in specs.items()}

# Race id -> name and faction type.
RACES = {
    1: ("Human", "ALLIANCE"),
    2: ("Orc", "HORDE"),
    3: ("Dwarf", "ALLIANCE"),
    4: ("Night Elf", "ALLIANCE"),
    5: ("Undead", "HORDE"),
    6: ("Tauren", "HORDE"),
    7: ("Gnome", "ALLIANCE"),
    8: ("Troll", "HORDE"),
    9: ("Goblin", "HORDE"),
    10: ("Blood Elf", "HORDE"),
    11: ("Draenei", "ALLIANCE"),
    22: ("Worgen", "ALLIANCE"),
    24: ("Pandaren", "NEUTRAL"),
    25: ("Pandaren", "ALLIANCE"),
    26: ("Pandaren", "HORDE"),
    27: ("Nightborne", "HORDE"),
    28: ("Highmountain Tauren", "HORDE"),
    29: ("Void Elf", "ALLIANCE"),
    30: ("Lightforged Draenei", "ALLIANCE"),
    31: ("Zandalari Troll", "HORDE"),
    32: ("Kul Tiran", "ALLIANCE"),
    34: ("Dark Iron Dwarf", "ALLIANCE"),
    35: ("Vulpera", "HORDE"),
    36: ("Mag'har Orc", "HORDE"),
    37: ("Mechagnome", "ALLIANCE"),
    52: ("Dracthyr", "ALLIANCE"),
    70: ("Dracthyr", "HORDE"),
    84: ("Earthen", "HORDE"),
    85: ("Earthen", "ALLIANCE"),
    86: ("Haranir", "ALLIANCE"),
}

# Classes that only a few races can be.
CLASS_RACES = {12: (4, 10, 29), 13: (52, 70)}
EVERYBODYS_RACES = tuple(race for race in RACES if race not in (24, 52, 70))
