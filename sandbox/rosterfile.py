"""A world from any real Battle.net roster: the guild as in the file, all else invented from a seed."""

import json
import random
import re
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sandbox.gamedata import RACES, REGIONS
from sandbox.notes import invent_notes
from sandbox.people import GUEST_ROLE, Crowd, Member, Naming, Person
from sandbox.realms import REALMS
from sandbox.sample import BOTS, RANKS, ROLE_OF_RANK, Sample, invent_profile
from sandbox.world import Character, Guild, Realm, World, path_name

NAMED_SHARE = 0.45
SMALL_WORDS = {"of", "the", "and", "de", "des", "du", "la", "le", "les", "der", "die", "das"}


def world_from_roster(path: Path | str, seed: int = 1) -> Sample:
    """Load a roster answer and invent profiles and Discord members; raises ValueError with one line for the user."""
    document = _load(Path(path))
    rng = random.Random(seed)
    try:
        world, guild = _world(document)
        for character in world.characters:
            invent_profile(rng, character)
        people, members = _settle(rng, list(world.characters))
    except KeyError as error:
        raise ValueError(f"{path} is not a Battle.net guild roster: a part of it lacks {error}") from None
    except (TypeError, AttributeError):
        raise ValueError(f"{path} is not a Battle.net guild roster: a part of it has another form") from None
    ranks = RANKS + tuple(f"Rank {index}" for index in range(len(RANKS), 10))
    return Sample(world, guild, people, members, invent_notes(rng, people), ranks)


def display_name(slug: str) -> str:
    """Make a readable realm name from its slug; apostrophes are lost."""
    first, *rest = slug.split("-")
    return " ".join([first.capitalize(), *(word if word in SMALL_WORDS else word.capitalize() for word in rest)])


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{path} is not JSON") from None
    if not isinstance(document, dict) or "guild" not in document or "members" not in document:
        raise ValueError(f"{path} is not a Battle.net guild roster: it has no guild or no members")
    if not document["members"]:
        raise ValueError(f"{path} is a roster without members")
    return document


def _world(document: dict[str, Any]) -> tuple[World, Guild]:
    region = _region(document)
    entry = document["guild"]
    realms = {entry["realm"]["slug"]: _realm(region, entry["realm"])}
    for member in document["members"]:
        realm = member["character"]["realm"]
        realms.setdefault(realm["slug"], _realm(region, realm))
    ids = {realm.id for realm in realms.values()}
    others = [one for one in REALMS if one.id not in ids and not (one.region == region and one.slug in realms)]
    world = World((*realms.values(), *others))
    characters = [_character(realms, member) for member in document["members"]]
    guild = Guild(
        id=entry["id"],
        name=entry["name"],
        slug=_guild_slug(document, entry["name"]),
        realm=realms[entry["realm"]["slug"]],
        faction=entry.get("faction", {}).get("type") or _usual_faction(characters),
    )
    world.guilds.append(guild)
    for character, member in zip(characters, document["members"], strict=True):
        world.join(world.add(character), guild, member["rank"])
    return world, guild


def _region(document: dict[str, Any]) -> str:
    found = re.search(r"namespace=profile-(\w+)|//(\w+)\.api\.", _self_link(document))
    region = found and (found[1] or found[2])
    return region if region in REGIONS else "eu"


def _guild_slug(document: dict[str, Any], name: str) -> str:
    found = re.search(r"/data/wow/guild/[^/]+/([^/?%]+)/roster", _self_link(document))
    return unquote(found[1]) if found else path_name(name).replace(" ", "-").replace("'", "")


def _self_link(document: dict[str, Any]) -> str:
    return str(document.get("_links", {}).get("self", {}).get("href", ""))


def _realm(region: str, entry: dict[str, Any]) -> Realm:
    slug = entry["slug"]
    return Realm(region, entry["id"], slug, entry.get("name") or display_name(slug), entry["id"])


def _character(realms: dict[str, Realm], member: dict[str, Any]) -> Character:
    entry = member["character"]
    return Character(
        id=entry["id"],
        name=entry["name"],
        realm=realms[entry["realm"]["slug"]],
        class_id=entry["playable_class"]["id"],
        race_id=entry.get("playable_race", {}).get("id"),
        level=entry["level"],
        faction=entry.get("faction", {}).get("type"),
    )


def _usual_faction(characters: list[Character]) -> str:
    factions = [RACES[one.race_id][1] for one in characters if one.race_id is not None and one.race_id in RACES]
    return max(("ALLIANCE", "HORDE"), key=factions.count)


def _settle(rng: random.Random, characters: list[Character]) -> tuple[tuple[Person, ...], tuple[Member, ...]]:
    """Share the characters out among invented people and bring three of four people to Discord."""
    # The guild master's household comes first: somebody has to own the server.
    shuffled = sorted(rng.sample(characters, len(characters)), key=lambda one: one.rank != 0)
    supply = iter(shuffled)
    households = []
    while household := list(islice(supply, rng.choice([1, 1, 2, 3, 4, 6, 9]))):
        households.append(sorted(household, key=lambda one: (one.rank or 0, -one.level)))
    crowd = Crowd(rng)
    guests = [crowd.stranger([GUEST_ROLE]) for _ in range(3 + len(households) // 12)]
    present = [0, *sorted(rng.sample(range(1, len(households)), 3 * (len(households) - 1) // 4))]
    named = {0, *rng.sample(present, min(len(present), round(NAMED_SHARE * (len(present) + len(guests)))))}
    ways = [Naming.EXACT, Naming.CASED, Naming.PLAIN, Naming.DECORATED]
    people = []
    for number, household in enumerate(households):
        if number not in present:
            people.append(Person(tuple(household)))
            continue
        way = rng.choice(ways) if number in named else Naming.UNRELATED
        people.append(crowd.person(household, way, ROLE_OF_RANK.get(household[0].rank or 0, ())))
    members = [person.member for person in people if person.member]
    return tuple(people), (*members, *guests, *(crowd.bot(name) for name in BOTS))
