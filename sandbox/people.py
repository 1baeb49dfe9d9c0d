"""The people behind characters and Discord members, and how their members are named."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sandbox import names
from sandbox.world import Character

# Discord ids are milliseconds since 2015, shifted by 22 bits.
DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
FIRST_JOIN = datetime(2023, 2, 1, tzinfo=UTC)

GUEST_ROLE = "Guest"


class Naming(StrEnum):
    """How a member's shown name comes from a character of theirs."""

    EXACT = "exact"
    CASED = "cased"
    PLAIN = "plain"
    DECORATED = "decorated"
    SHARED = "shared"  # exact, but another character or member bears it as well
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Member:
    """A Discord user as a member of the server; `roles` are names."""

    id: int
    username: str
    global_name: str | None
    nick: str | None
    roles: tuple[str, ...]
    joined_at: datetime
    bot: bool = False

    @property
    def shown_name(self) -> str:
        return self.nick or self.global_name or self.username


@dataclass(frozen=True, slots=True)
class Person:
    """A human: their characters, main first, and their Discord member, if they are in the server."""

    characters: tuple[Character, ...]
    member: Member | None = None
    naming: Naming = Naming.UNRELATED
    named_after: Character | None = None

    @property
    def main(self) -> Character:
        return self.characters[0]


class Crowd:
    """Invents Discord members with ids and usernames of their own."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._usernames: set[str] = set()
        self._ids: set[int] = set()

    def person(
        self, characters: Sequence[Character], naming: Naming, roles: Iterable[str], *, after: Character | None = None
    ) -> Person:
        """Invent a person in the server, shown under the name of one of their characters unless unrelated."""
        owned = tuple(characters)
        if naming is Naming.UNRELATED:
            return Person(owned, self.stranger(roles))
        if naming is Naming.PLAIN:
            accented = [one for one in owned if names.without_accents(one.name) != one.name]
            naming, after = (naming, accented[0]) if accented else (Naming.EXACT, after)
        if after is None:
            after = owned[0] if self._rng.random() < 0.8 else self._rng.choice(owned)
        return Person(owned, self._namesake(self._written(after.name, naming), roles), naming, after)

    def stranger(self, roles: Iterable[str] = (), *, nick: str | None = None) -> Member:
        """Invent a member whose name says nothing of any character, unless a nickname is given."""
        username = self._username()
        global_name = username.replace("_", " ").title() if self._rng.random() < 0.6 else None
        return self._new(username, global_name, nick, roles)

    def bot(self, username: str) -> Member:
        self._usernames.add(username)
        return self._new(username, None, None, (), bot=True)

    def _namesake(self, shown: str, roles: Iterable[str]) -> Member:
        username = self._username()
        if self._rng.random() < 0.6:
            return self._new(username, username.replace("_", " ").title(), shown, roles)
        return self._new(username, shown, None, roles)

    def _written(self, name: str, naming: Naming) -> str:
        match naming:
            case Naming.CASED:
                return self._rng.choice([name.upper(), name.lower()])
            case Naming.PLAIN:
                return names.without_accents(name)
            case Naming.DECORATED:
                real_name = self._rng.choice(names.REAL_NAMES)
                forms = [f"★ {name} ★", f"{name} | {real_name}", f"⚔️{name}⚔️", names.fancy(name), f"« {name} »"]
                return self._rng.choice(forms)
        return name

    def _username(self) -> str:
        base = username = names.handle(self._rng)
        number = 2
        while username in self._usernames:
            username = f"{base}{number}"
            number += 1
        self._usernames.add(username)
        return username

    def _new(
        self, username: str, global_name: str | None, nick: str | None, roles: Iterable[str], *, bot: bool = False
    ) -> Member:
        joined_at = FIRST_JOIN + timedelta(minutes=self._rng.randrange(3 * 365 * 24 * 60))
        registered = joined_at - timedelta(minutes=self._rng.randrange(60, 5 * 365 * 24 * 60))
        snowflake = int((registered - DISCORD_EPOCH).total_seconds() * 1000) << 22
        while snowflake in self._ids:
            snowflake += 1
        self._ids.add(snowflake)
        return Member(snowflake, username, global_name, nick, tuple(roles), joined_at, bot)
