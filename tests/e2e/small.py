"""A guild of three people, for tests that need the bot at work and not its numbers."""

from datetime import UTC, datetime

from sandbox.people import Member, Naming, Person
from sandbox.realms import REALMS
from sandbox.sample import ROLES, Sample
from sandbox.world import Character, Guild, World

JOINED = datetime(2025, 3, 4, tzinfo=UTC)
NAMES = ("Aldric", "Bryndis", *(f"Mule{letter}" for letter in "abcdefghijklmnopqrstuvwx"))
"""More than a report names, so that it has a button that shows the rest."""


def small_guild() -> Sample:
    """Make two people who bear their character's name in Discord, and one with a stable full of mules."""
    home = REALMS[0]
    world = World(REALMS)
    guild = Guild(80_001, "Three Friends", "three-friends", home, "ALLIANCE")
    world.guilds.append(guild)
    characters = [
        world.add(Character(900_000 + number, name, home, 1, 1, 80, faction="ALLIANCE"))
        for number, name in enumerate(NAMES)
    ]
    for number, character in enumerate(characters):
        world.join(character, guild, min(number, 2))
    master, second, *others = characters
    people = (
        Person((master,), _member(1, "quiet_owl", master.name, "Guild Master", "Officer"), Naming.EXACT, master),
        Person((second,), _member(2, "loud_bear", second.name, "Member"), Naming.EXACT, second),
        Person(tuple(others), _member(3, "tall_heron", None, "Member")),
    )
    members = tuple(person.member for person in people if person.member)
    return Sample(world, guild, people, members, {}, roles=ROLES)


def _member(number: int, username: str, nick: str | None, *roles: str) -> Member:
    return Member(number, username, None, nick, roles, JOINED)
