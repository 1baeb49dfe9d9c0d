"""Names of characters and people, put together from syllables written here."""

import random
import unicodedata

# fmt: off
_STARTS = [
    "Al", "Bra", "Cor", "Dre", "El", "Fa", "Gor", "Hel", "Il", "Jor", "Kae", "Lu", "Mor", "Ny", "Or", "Pel",
    "Qua", "Ry", "Sel", "Tha", "Ul", "Vor", "Wyn", "Xan", "Yl", "Zar",
]
_MIDDLES = ["", "", "", "a", "be", "di", "la", "mi", "no", "ra", "ri", "tha", "vi", "zo", "ne", "ka", "lo"]
_ENDS = [
    "dan", "dor", "ell", "eth", "ion", "is", "lin", "mar", "na", "ras", "rik", "sa", "th", "wen", "yn", "ya",
    "ux", "gar",
]
_ACCENTS = {"a": "áàâäå", "e": "éèêë", "i": "íîï", "o": "óòôöø", "u": "úùûü", "n": "ñ", "y": "ý"}
_PLAIN = str.maketrans({
    "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ß": "ss", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
})

_CYRILLIC_STARTS = [
    "Ар", "Бе", "Ве", "Го", "Да", "Ёл", "За", "Ил", "Ка", "Ло", "Ми", "Но", "Ра", "Са", "То", "Яр",
]
_CYRILLIC_MIDDLES = ["", "", "ра", "ве", "ли", "но", "ми", "да"]
_CYRILLIC_ENDS = ["мир", "на", "слав", "дан", "рик", "ша", "вей", "тор", "ня", "ль"]

_ADJECTIVES = [
    "brave", "calm", "dusty", "early", "fuzzy", "grumpy", "hidden", "idle", "jolly", "lazy", "mellow",
    "noisy", "odd", "plain", "quiet", "rusty",
]
_NOUNS = [
    "otter", "kettle", "badger", "comet", "daisy", "ember", "fiddle", "goose", "hammer", "igloo", "juniper",
    "kiwi", "lantern", "mitten", "noodle", "owl",
]

REAL_NAMES = [
    "Marta", "Jonas", "Priya", "Tomek", "Ines", "Oskar", "Leila", "Bruno", "Hanna", "Pavel", "Sofie", "Milan",
    "Greta", "Aino", "Luis", "Nadia",
]
# fmt: on


def latin(rng: random.Random) -> str:
    """Make a Latin name of 2 to 12 letters, one in six or so with an accent."""
    if rng.random() < 0.01:
        return rng.choice([start for start in _STARTS if len(start) == 2])
    name = rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_MIDDLES) + rng.choice(_ENDS)
    return _accented(rng, name) if rng.random() < 0.2 else name


def cyrillic(rng: random.Random) -> str:
    """Make a Cyrillic name of 3 to 12 letters."""
    return rng.choice(_CYRILLIC_STARTS) + rng.choice(_CYRILLIC_MIDDLES) + rng.choice(_CYRILLIC_ENDS)


def handle(rng: random.Random) -> str:
    """Make a Discord name that is no character's: lower-case ASCII with an underscore."""
    return f"{rng.choice(_ADJECTIVES)}_{rng.choice(_NOUNS)}"


def without_accents(name: str) -> str:
    """Write a name as somebody types it who has no accents on the keyboard; other scripts stay."""
    if not any("LATIN" in unicodedata.name(letter, "") for letter in name):
        return name
    marked = unicodedata.normalize("NFKD", name.translate(_PLAIN))
    return "".join(letter for letter in marked if not unicodedata.combining(letter))


def fancy(name: str) -> str:
    """Write the ASCII letters of a name in bold script, as decorated nicknames do."""
    return "".join(
        chr(0x1D4D0 + ord(letter) - ord("A"))
        if "A" <= letter <= "Z"
        else chr(0x1D4EA + ord(letter) - ord("a"))
        if "a" <= letter <= "z"
        else letter
        for letter in name
    )


def _accented(rng: random.Random, name: str) -> str:
    places = [place for place, letter in enumerate(name) if letter in _ACCENTS]
    if not places:
        return name
    place = rng.choice(places)
    return name[:place] + rng.choice(_ACCENTS[name[place]]) + name[place + 1 :]
