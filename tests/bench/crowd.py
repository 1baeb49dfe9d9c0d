"""Guilds made up for matching: names, notes and nicks as people write them, with namesakes and look-alikes."""

import random
from collections.abc import Sequence
from itertools import count

from domain.identity import Case, Character, Member

ONSETS = ("b", "br", "d", "dr", "f", "g", "gr", "h", "k", "kr", "l", "m", "n", "p", "r", "s", "sh", "t", "th", "v", "z")
VOWELS = ("a", "e", "i", "o", "u", "ae", "y", "á", "ö", "ê")
CODAS = ("", "", "", "l", "n", "r", "s", "x", "th", "rk", "nd")
FIRST_NAMES = ("Mike", "Anna", "Tom", "Chris", "Julia", "Ben", "Laura", "Nick", "Sara", "Dan", "Kim", "Alex")
JOKES = ("needs more cowbell", "bank", "pvp only", "M+ only", "no raid", "ask before inv", "02/25", "healer / dps")
REALMS = ("stormrage", "ravencrest", "azjol-nerub")
NOTE_LETTERS = 31
NAME_LETTERS = 12
GUESTS = 0.4
"""So many of the members own no character."""
ABSENT = 0.2
"""So many of the people have no member."""
MOST_ALTS = 5
RANKS = 10
CLASSES = 13


def guild(size: int, *, seed: int = 1, one_name: int = 0) -> Case:
    """Make a case of so many characters and members; `one_name` members bear the same display name.

    The same arguments give the same case.
    """
    rng = random.Random(seed)
    characters: list[Character] = []
    members: list[Member] = []
    member_ids = count(1)
    while len(characters) < size:
        names = [_name(rng) for _ in range(rng.randint(1, MOST_ALTS))]
        real_name = rng.choice(FIRST_NAMES)
        display = _display(rng, names[0], real_name)
        if rng.random() > ABSENT and len(members) < size * (1 - GUESTS):
            members.append(_member(rng, next(member_ids), display))
        for number, name in enumerate(names[: size - len(characters)]):
            characters.append(
                Character(
                    len(characters) + 1,
                    name,
                    rng.choice(REALMS),
                    rng.randrange(1, CLASSES + 1),
                    rng.randrange(RANKS),
                    _note(rng, names, number, display, real_name)[:NOTE_LETTERS],
                    _note(rng, names, number, display, real_name)[:NOTE_LETTERS] if rng.random() < 0.3 else None,
                )
            )
    while len(members) < size:
        members.append(_member(rng, next(member_ids), _display(rng, _name(rng), rng.choice(FIRST_NAMES))))
    same = [Member(one.id, one.username, "Kingslayer", one.nick) for one in members[:one_name]]
    return Case(tuple(characters), (*same, *members[one_name:]))


def _name(rng: random.Random) -> str:
    syllables = (rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(rng.randint(2, 4)))
    return "".join(syllables)[:NAME_LETTERS].capitalize()


def _member(rng: random.Random, number: int, display: str) -> Member:
    handle = f"{_name(rng).lower()}{rng.choice(('', '_', '87', '.x'))}"
    return Member(
        number,
        handle,
        display if rng.random() < 0.5 else rng.choice((None, handle, _name(rng))),
        display if rng.random() < 0.6 else None,
        frozenset({rng.randrange(RANKS)}),
    )


def _display(rng: random.Random, main: str, real_name: str) -> str:
    return rng.choice(
        (
            main,
            main,
            f"{main} | {real_name}",
            f"[Tank] {main}",
            f"{main}/{_name(rng)}",
            f"✨{main}✨",
            _slip(rng, main),
            real_name,
            f"{real_name}{rng.randrange(100)}",
        )
    )


def _note(rng: random.Random, names: Sequence[str], number: int, display: str, real_name: str) -> str:
    main = _slip(rng, names[0]) if rng.random() < 0.05 else names[0]
    if number == 0:
        return rng.choice(("", "", "main", real_name, f"disc: {display}", f"@{display}", rng.choice(JOKES)))
    return rng.choice(
        (
            "",
            f"alt of {main}",
            f"{main}'s alt",
            f"main: {main}",
            main,
            f"alt of {names[number - 1]}",
            f"{real_name} alt",
            f"discord = {display}",
            rng.choice(JOKES),
        )
    )


def _slip(rng: random.Random, name: str) -> str:
    place = rng.randrange(len(name))
    return name[:place] + rng.choice("aeiou") + name[place + 1 :]
