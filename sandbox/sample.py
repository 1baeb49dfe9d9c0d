"""A guild as one finds it: some sixty people with 320 characters, and the Discord server where most of them are."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox import names
from sandbox.gamedata import CLASS_RACES, CLASSES, EVERYBODYS_RACES, LEVEL_CAP, RACES, SPECS
from sandbox.notes import Note, invent_notes
from sandbox.people import GUEST_ROLE, Crowd, Member, Naming, Person
from sandbox.realms import REALMS
from sandbox.world import Character, Guild, Realm, World

RANKS = ("Guild Master", "Officer", "Officer Alt", "Raider", "Member", "Social", "Alt", "Initiate")
ROLES = ("Guild Master", "Officer", "Raider", "Member", GUEST_ROLE)
ROLE_OF_RANK = {0: ("Guild Master", "Officer"), 1: ("Officer",), 3: ("Raider",), 4: ("Member",), 5: ("Member",)}
BOTS = ("herald_bot", "raid_helper_bot", "jukebox_bot")
OFFICERS = 4
NEWEST_LOGIN = datetime(2026, 11, 1, 20, tzinfo=UTC)
DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A world, the server beside it, and the truth about who owns what."""

    world: World
    guild: Guild
    people: tuple[Person, ...]
    members: tuple[Member, ...]
    notes: Mapping[Character, Note]
    ranks: tuple[str, ...] = RANKS
    roles: tuple[str, ...] = ROLES

    @property
    def owner(self) -> Member:
        """The member who owns the server: the guild master's."""
        return next(person.member for person in self.people if person.member is not None)

    @property
    def characters(self) -> tuple[Character, ...]:
        return tuple(character for person in self.people for character in person.characters)

    @property
    def linkable(self) -> dict[int, Character]:
        """Member id -> the character whose name the member shows, where nobody else bears that name."""
        bearers = Counter(_plain(character) for character in self.characters)
        return {
            person.member.id: person.named_after
            for person in self.people
            if person.member and person.named_after and person.naming is not Naming.SHARED
            if bearers[_plain(person.named_after)] == 1
        }

    def owner_of(self, character: Character) -> Person:
        return next(person for person in self.people if character in person.characters)


def sample_guild(seed: int = 1) -> Sample:
    """Generate the sample guild; the same seed gives the same guild."""
    rng = random.Random(seed)
    home = REALMS[0]
    world = World(REALMS)
    guild = Guild(70_001, "The Ember Vigil", "the-ember-vigil", home, "ALLIANCE", 2480, 1_290_000_000_000)
    world.guilds.append(guild)
    households = _households(rng, world, guild)
    people, members = _settle(rng, world, households)
    return Sample(world, guild, people, members, invent_notes(rng, people))


def invent_profile(rng: random.Random, character: Character) -> None:
    """Fill in what only a profile tells; some profiles are hidden, some lack what Battle.net may leave out."""
    capped = character.level >= LEVEL_CAP
    character.gender = rng.choice(["MALE", "FEMALE"])
    specs = sorted(SPECS.get(character.class_id, ()))
    if specs and rng.random() < 0.95:
        character.active_spec = rng.choice(specs)
    if rng.random() < 0.5:
        character.active_title = rng.choice(["the Patient", "Emberkeeper", "Lost in the Fog"])
    character.achievement_points = rng.randrange(300, 38_000, 5)
    character.average_item_level = rng.randint(215, 289) if capped else 10 + character.level
    character.equipped_item_level = character.average_item_level - rng.randint(0, 6)
    days_ago = rng.expovariate(1 / 20) if capped else rng.expovariate(1 / 120)
    character.last_login = int(NEWEST_LOGIN.timestamp() * 1000 - days_ago * DAY_MS)
    character.visible = character.level >= 10 and rng.random() > 0.04


def _households(rng: random.Random, world: World, guild: Guild) -> list[list[Character]]:
    """Make the characters, one list for each person, main first; the first person is the guild master."""
    count, total = rng.randint(58, 62), rng.randint(312, 328)
    sizes = [1] * count
    appetites = [0.05 + rng.random() ** 2 for _ in sizes]
    for person in rng.choices(range(count), appetites, k=total - count):
        sizes[person] += 1
    ranks = [0] + [1] * OFFICERS + rng.choices([3, 4, 5, 7], [35, 35, 20, 10], k=count - OFFICERS - 1)
    taken: set[str] = set()
    households = []
    for size, main_rank in zip(sizes, ranks, strict=True):
        home = _realm(rng)
        alt_rank = {0: 2, 1: 2, 7: 7}.get(main_rank, 6)
        household = []
        for number in range(size):
            realm = home if rng.random() < 0.8 else _realm(rng)
            level = LEVEL_CAP if number == 0 or rng.random() < 0.5 else rng.randint(5, LEVEL_CAP)
            character = _character(rng, taken, realm, level)
            world.join(character, guild, main_rank if number == 0 else alt_rank)
            household.append(world.add(character))
        households.append(household)
    return households


def _realm(rng: random.Random) -> Realm:
    european = [realm for realm in REALMS if realm.region == "eu"][:6]
    return rng.choices(european, [50, 15, 13, 9, 8, 5])[0]


def _character(rng: random.Random, taken: set[str], realm: Realm, level: int) -> Character:
    syllables = names.cyrillic if realm.locale == "ruRU" else names.latin
    name = syllables(rng)
    # Names that differ by an accent only would be ambiguous without being meant so.
    while (plain := names.without_accents(name).lower()) in taken:
        name = syllables(rng)
    taken.add(plain)
    class_id = rng.choice(sorted(CLASSES))
    race_id = rng.choice(CLASS_RACES.get(class_id, EVERYBODYS_RACES))
    character_id = 180_000_000 + len(taken) * 977 + rng.randrange(900)
    character = Character(character_id, name, realm, class_id, race_id, level, faction=RACES[race_id][1])
    invent_profile(rng, character)
    return character


def _settle(
    rng: random.Random, world: World, households: list[list[Character]]
) -> tuple[tuple[Person, ...], tuple[Member, ...]]:
    """Bring most people to Discord, and guests and bots beside them."""
    crowd = Crowd(rng)
    ways = [Naming.EXACT, Naming.CASED, Naming.PLAIN, Naming.DECORATED, Naming.UNRELATED]
    twin, double = rng.sample(range(OFFICERS + 1, len(households)), 2)
    people = []
    for number, household in enumerate(households):
        roles = ROLE_OF_RANK.get(household[0].rank or 0, ())
        if number == 0:
            people.append(crowd.person(household, Naming.EXACT, roles, after=household[0]))
        elif number in (twin, double):
            people.append(crowd.person(household, Naming.SHARED, roles, after=household[0]))
        elif rng.random() < 0.85:
            people.append(crowd.person(household, rng.choices(ways, [26, 14, 18, 22, 20])[0], roles))
        else:
            people.append(Person(tuple(household)))
    _add_twin(rng, world, people, households[twin][0])
    guests = [crowd.stranger([GUEST_ROLE]) for _ in range(rng.randint(6, 9))]
    guests.append(crowd.stranger([GUEST_ROLE], nick=households[double][0].name))
    members = [person.member for person in people if person.member] + guests + [crowd.bot(name) for name in BOTS]
    return tuple(people), tuple(members)


def _add_twin(rng: random.Random, world: World, people: list[Person], original: Character) -> None:
    """Give somebody else's alt on another realm the name of this character."""
    alts = [
        alt
        for person in people
        if original not in person.characters
        for alt in person.characters[1:]
        if alt is not person.named_after and alt.realm != original.realm
    ]
    world.rename(rng.choice(alts), original.name)


def _plain(character: Character) -> str:
    return names.without_accents(character.name).lower()
