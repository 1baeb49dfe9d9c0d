"""Notes as people write them in the game: everybody has habits, many a note is a joke, some are old, some are wrong."""

import random
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from sandbox import names
from sandbox.people import Member, Naming, Person
from sandbox.world import Character

LETTERS = 31
"""What the game lets a note hold."""

# fmt: off
_ALTS = {
    "English": [
        "Alt of {main}", "{main} alt", "{main}'s alt", "main: {main}", "alt - {main}", "({main})", "{main}",
        "{main}'s bank", "alt of {main}-{realm}",
    ],
    "German": ["Twink von {main}", "Zweitchar von {main}", "Main: {main}", "{main}s Twink"],
    "French": ["reroll de {main}", "mulet de {main}", "perso principal : {main}"],
    "Spanish": ["alter de {main}", "principal: {main}", "banco de {main}"],
    "Portuguese": ["alt do {main}", "personagem do {main}"],
    "Russian": ["твинк {main}", "альт {main}", "мейн: {main}"],
}
_SHARES = {"English": 60, "German": 12, "French": 10, "Spanish": 6, "Portuguese": 5, "Russian": 7}
_CHATTER = [
    "", "", "", "brb 5 min", "ask me for flasks", "EU evenings", "here for the hats", "no voice, sorry", "Alchemist",
    "enchants 4 tips", "tank if asked nicely", "heals only", "mage, sometimes", "the goat of Elwynn", "baby #2, afk",
    "mine was taken", "altoholic", "mainly fishing", "discounts for guildies",
]
_NICKNAMES = [
    "Abby", "Bo", "Carly", "Dodo", "Emmi", "Fips", "Gus", "Heike", "Ivo", "Juli", "Kalle", "Lotte", "Momo", "Nils",
    "Otti", "Piet", "Quim", "Rike", "Suse", "Tilo", "Uwe", "Vroni", "Wanja", "Xaver", "Yara", "Zeno", "Anouk", "Benno",
    "Chloe", "Davide", "Elif", "Fiete", "Goran", "Hugo", "Ilse", "Jari", "Kaja", "Loris", "Mehmet", "Nuria", "Orla",
    "Pia", "Ruben", "Sanne", "Tarik", "Ulla", "Veit", "Wiebke", "Yorick", "Zita", "Аня", "Вова", "Костя", "Лена",
    "big H", "the other Bo", "Papa Bear", "Mrs. T", "Doc", "Skipper", "Pumpkin", "Sarge", "Kid", "Grandma",
]
_OF_A_MEMBER = ["Discord: {discord}", "dc: {discord}", "@{discord}", "disc = {discord}", "discord {discord}"]
_OFFICERS = [
    "", "", "trial until spring", "trusted with the bank", "aka {real}", "real name {real}", "vouched by {other}",
    "friend of {other}", "owes 20k", "spoke to about loot",
]
# fmt: on


@dataclass(frozen=True, slots=True)
class Note:
    """A character's notes as an exporter saw them: "" is an empty note, None one that the exporter may not see."""

    guild: str | None
    officer: str | None


def invent_notes(rng: random.Random, people: Sequence[Person]) -> Mapping[Character, Note]:
    """Write the notes of everybody's characters, as their owners and the officers would have."""
    mains = [person.main.name for person in people]
    taken = {character.name for person in people for character in person.characters}
    nicknames = rng.sample(_NICKNAMES, len(_NICKNAMES))
    notes: dict[Character, Note] = {}
    for number, person in enumerate(people):
        # In a large guild some share one.
        notes |= _Hand(rng, person, nicknames[number % len(nicknames)], mains, taken).notes()
    return notes


class _Hand:
    """Writes the notes of one person, in their own way."""

    def __init__(
        self, rng: random.Random, person: Person, nickname: str, mains: Sequence[str], taken: Set[str]
    ) -> None:
        self._rng = rng
        self._person = person
        self._others = [name for name in mains if name != person.main.name] or mains
        self._taken = taken
        self._forms = _ALTS[rng.choices(list(_SHARES), list(_SHARES.values()))[0]]
        self._habit = rng.choice(self._forms)
        shown = person.member.shown_name if person.member else ""
        # Who has a name for the guild in their nickname is called so in notes too.
        self._nickname = shown.partition(" | ")[2] or nickname

    def notes(self) -> dict[Character, Note]:
        main, *alts = self._person.characters
        written = {main: Note(_cut(self._of_the_main()), self._officers(self._member_note() or self._remark()))}
        for number, alt in enumerate(alts):
            # Some name the alt before instead of the main: a chain.
            named = alts[number - 1] if number and self._rng.random() < 0.15 else main
            remark = self._remark() if self._rng.random() < 0.15 else ""
            written[alt] = Note(_cut(self._of_an_alt(named)), self._officers(remark))
        return written

    def _of_the_main(self) -> str:
        chance = self._rng.random()
        if chance < 0.15:
            return self._nickname
        return self._member_note() if chance < 0.3 else self._rng.choice(_CHATTER)

    def _of_an_alt(self, named: Character) -> str:
        chance = self._rng.random()
        if chance < 0.2:
            return self._rng.choice(_CHATTER)
        if chance < 0.23:
            # The main of old, since renamed or gone.
            return self._habit.format(main=self._free(lambda: names.latin(self._rng)), realm=_realm(named))
        name = self._free(lambda: self._misspelt(named.name)) if chance < 0.27 else named.name
        form = self._rng.choice(self._forms) if chance < 0.4 else self._habit
        return form.format(main=name, realm=_realm(named))

    def _member_note(self) -> str:
        """Name the member; not one whose shown name others bear too, so that officers have something to decide."""
        member = self._person.member
        if member is None or self._person.naming is Naming.SHARED or self._rng.random() < 0.4:
            return ""
        return self._rng.choice(_OF_A_MEMBER).format(discord=_handle(self._rng, member))

    def _remark(self) -> str:
        return self._rng.choice(_OFFICERS).format(real=self._nickname, other=self._rng.choice(self._others))

    def _officers(self, note: str) -> str | None:
        """Give an officer note as it was exported: one in ten came from somebody who may not read them."""
        return None if self._rng.random() < 0.1 else _cut(note)

    def _free(self, invent: Callable[[], str]) -> str:
        """Invent a name that nobody in the guild bears: what a note says is never by chance about somebody else."""
        while (name := invent()) in self._taken:
            continue
        return name

    def _misspelt(self, name: str) -> str:
        """Leave a letter out, or write one twice."""
        place = self._rng.randrange(1, len(name))
        return name[:place] + self._rng.choice(["", name[place] * 2]) + name[place + 1 :]


def _handle(rng: random.Random, member: Member) -> str:
    return rng.choice([member.username, member.username, member.global_name or member.username])


def _realm(character: Character) -> str:
    return character.realm.name.replace(" ", "")


def _cut(note: str) -> str:
    return note[:LETTERS]
