"""A guild in which everything fits, but for what was planted: how many problems of which kind, and about whom."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, cycle, islice, product
from unittest.mock import patch

from sandbox import gamedata
from sandbox.battlenet import payloads
from sandbox.notes import Note
from sandbox.people import Member, Person
from sandbox.realms import REALMS
from sandbox.sample import Sample
from sandbox.world import Character, Guild, World

SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te")
ROLE_OF_RANK = {0: "Guild Master", 2: "Raider", 3: "Member", 4: "Social", 5: "Alt", 6: "Initiate"}
MAPPED, UNMAPPED = (0, 2, 3), (4, 5, 6)
"""Ranks: those that have their role from the start, and those that get it when the finding about them is mended."""
MEMBER_RANK = 3
ROLES = ("Officer", *ROLE_OF_RANK.values())
NICKNAME = "Wolfram"
"""What notes call somebody whom nobody in the guild or on the server is called."""
JOINED = datetime(2025, 3, 4, tzinfo=UTC)
DAY_MS = 24 * 3_600_000
NOW_MS, LONG_AGO_MS = 60 * DAY_MS, 0
NEW_CLASS, NEW_SPEC, NEW_RACES = 99, 9_999, (998, 999)
"""Ids of the game that Muster has no name for."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the guild is, and how many problems of each kind are planted.

    `called` of the `orphans` are the nickname's by their notes; `away` are the stale characters of each of two players
    on hiatus, `stale` those of others; `absent` characters leave at once: more than a quarter.
    """

    characters: int = 1_000
    absent: int = 260
    clean: int = 200
    duplicate: int = 3
    wrong_role: int = 5
    no_role: int = 5
    contradicted: int = 3
    left: int = 8
    orphans: int = 120
    called: int = 60
    strangers: int = 60
    suggested: int = 26
    twins: int = 4
    doubted: int = 20
    mainless: int = 6
    away: int = 20
    stale: int = 90

    @property
    def planted(self) -> dict[str, int]:
        """Give the number of findings of each rule; a server has but one set of departures and two lists to read."""
        return {
            "duplicate_discord": self.duplicate,
            "held_departures": 1,
            "role_mismatch": self.wrong_role,
            "no_guild_role": self.no_role,
            "link_contradicts_note": self.contradicted,
            "stale_discord_link": self.left,
            "orphan_wow": self.orphans,
            "orphan_discord": self.strangers,
            "stale_data": 2,
            "link_suggestion": self.suggested + self.twins,
            "note_mismatch": self.doubted,
            "main_not_linked": self.mainless,
            "unmapped_rank": len(UNMAPPED),
            "stale_character": 2 * self.away + self.stale,
            "unknown_reference": 2 + len(NEW_RACES),
        }


@dataclass(frozen=True, slots=True)
class Planted:
    """The guild and those about whom something does not fit, or will not; `clean` are people who are only there.

    `claims` are pairs of who claims a character, and whose it is. `confirmed` are characters that an officer vouches
    for before notes speak against it, `twins` those of a name that two members bear, `called` those of the nickname,
    and `orphans` those of whom nothing is known. `notes_then` are the notes as they are handed in at last.
    """

    size: Size
    sample: Sample
    notes_then: Mapping[Character, Note]
    clean: Sequence[Person]
    wrong_role: Sequence[Person]
    no_role: Sequence[Person]
    claims: Sequence[tuple[Person, Person]]
    confirmed: Sequence[Character]
    leaving: Sequence[Person]
    mainless: Sequence[Person]
    absent: Sequence[Character]
    twins: Sequence[Character]
    away: Sequence[Person]
    stale: Sequence[Character]
    called: Sequence[Character]
    orphans: Sequence[Character]


@contextmanager
def newer_game() -> Iterator[None]:
    """Let Battle.net know a class and a specialization that this release of Muster does not."""
    with (
        patch.dict(gamedata.CLASSES, {NEW_CLASS: "Tinker"}),
        patch.dict(gamedata.SPECS, {NEW_CLASS: {NEW_SPEC: "Gadgets"}}),
        patch.dict(gamedata.SPEC_NAMES, {NEW_SPEC: "Gadgets"}),
    ):
        yield


@contextmanager
def newer_races() -> Iterator[None]:
    """Let Battle.net name the races that came with its last update."""
    names = {race_id: f"Folk {race_id}" for race_id in NEW_RACES}
    races = {race_id: (name, "NEUTRAL") for race_id, name in names.items()}
    _, index = payloads.INDEXES["playable-race"]
    with patch.dict(gamedata.RACES, races), patch.dict(index, names):
        yield


def plant() -> Planted:
    """Make the guild: everybody's nickname is their main's name, and notes say whose each alt is."""
    return _Planting(Size()).plant()


class _Planting:
    def __init__(self, size: Size) -> None:
        self._size = size
        self._world = World(REALMS)
        self._guild = Guild(90_001, "The Long List", "the-long-list", REALMS[0], "ALLIANCE")
        self._world.guilds.append(self._guild)
        self._names = _names()
        self._numbers = count(1)
        self._people: list[Person] = []
        self._members: list[Member] = []
        self._notes: dict[Character, Note] = {}

    def plant(self) -> Planted:
        size = self._size
        self._person(rank=0, roles=("Guild Master", "Officer"))
        self._person(rank=2, roles=("Raider",))
        clean = [self._person() for _ in range(size.clean)]
        owners = cycle(clean)
        wrong_role = [self._person(roles=("Raider",)) for _ in range(size.wrong_role)]
        no_role = [self._person(roles=()) for _ in range(size.no_role)]
        claims = [(self._person(), self._person()) for _ in range(size.duplicate)]
        leaving = [self._person() for _ in range(size.left)]
        mainless = [self._person(alts=1) for _ in range(size.mainless)]
        away = [self._person(alts=size.away) for _ in range(2)]
        doubted = [(self._alt(next(owners)), next(owners)) for _ in range(size.doubted)]
        contradicted = [(self._alt(next(owners)), next(owners)) for _ in range(size.contradicted)]
        stale = [self._alt(next(owners)) for _ in range(size.stale)]
        for character in (*stale, *(alt for person in away for alt in person.characters[1:])):
            character.last_login = LONG_AGO_MS
        absent = [self._alt(next(owners)) for _ in range(size.absent)]
        orphans = [self._nobodys() for _ in range(size.orphans)]
        for character in orphans[: size.called]:
            self._notes[character] = Note(f"alt of {NICKNAME}", "")
        for _ in range(size.suggested):
            name = self._nobodys().name
            self._member(f"{name}{name[-1]}")
        twins = [self._nobodys() for _ in range(size.twins)]
        for twin in twins:
            self._member(twin.name)
            self._member(twin.name)
        for _ in range(size.strangers):
            self._member(None, ROLE_OF_RANK[MEMBER_RANK])
        for rank in UNMAPPED:
            self._alt(next(owners), rank=rank)
        while len(self._world.characters) < size.characters:
            self._alt(next(owners))
        self._bring_novelties([person.main for person in clean])
        assert len(self._world.characters) == size.characters
        people, members = tuple(self._people), tuple(self._members)
        return Planted(
            size=size,
            sample=Sample(self._world, self._guild, people, members, self._notes, roles=ROLES),
            notes_then=self._notes
            | {alt: Note(f"alt of {other.main.name}", "") for alt, other in (*doubted, *contradicted)},
            clean=clean,
            wrong_role=wrong_role,
            no_role=no_role,
            claims=claims,
            confirmed=[alt for alt, _ in contradicted],
            leaving=leaving,
            mainless=mainless,
            absent=absent,
            twins=twins,
            away=away,
            stale=stale,
            called=orphans[: size.called],
            orphans=orphans[size.called :],
        )

    @staticmethod
    def _bring_novelties(characters: Sequence[Character]) -> None:
        tinker, gadgeteer, *folk = islice(characters, 4)
        tinker.class_id = NEW_CLASS
        gadgeteer.active_spec = NEW_SPEC
        for character, race_id in zip(folk, NEW_RACES, strict=True):
            character.race_id = race_id

    def _person(
        self, *, rank: int = MEMBER_RANK, roles: Sequence[str] = (ROLE_OF_RANK[MEMBER_RANK],), alts: int = 0
    ) -> Person:
        main = self._character(rank)
        member = self._member(main.name, *roles)
        person = Person((main, *(self._noted_alt(main) for _ in range(alts))), member, named_after=main)
        self._people.append(person)
        return person

    def _alt(self, owner: Person, *, rank: int = MEMBER_RANK) -> Character:
        return self._noted_alt(owner.main, rank)

    def _noted_alt(self, main: Character, rank: int = MEMBER_RANK) -> Character:
        alt = self._character(rank)
        self._notes[alt] = Note(f"alt of {main.name}", "")
        return alt

    def _nobodys(self) -> Character:
        character = self._character(MEMBER_RANK)
        self._people.append(Person((character,)))
        return character

    def _character(self, rank: int) -> Character:
        number = next(self._numbers)
        character = Character(
            500_000 + number, next(self._names), REALMS[0], 1, 1, 80, faction="ALLIANCE", last_login=NOW_MS
        )
        self._world.join(self._world.add(character), self._guild, rank)
        return character

    def _member(self, nick: str | None, *roles: str) -> Member:
        number = next(self._numbers)
        member = Member(number, f"x{number}_y", None, nick, roles, JOINED)
        self._members.append(member)
        return member


def _names() -> Iterator[str]:
    """Give names of which any two differ in two syllables: none can be taken for a slip in another one."""
    places = range(len(SYLLABLES))
    for three in product(places, repeat=3):
        yield "".join(SYLLABLES[place] for place in (*three, sum(three) % len(SYLLABLES))).capitalize()
