"""What Battle.net knows, and how it changes while the stand-in answers."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.gamedata import LOCALES

HOUR_MS = 3_600_000


def path_name(name: str) -> str:
    """Write a name as Battle.net's paths do: lower case, NFC, not yet percent-encoded."""
    return unicodedata.normalize("NFC", name.lower())


def realm_slug(name: str) -> str:
    """Make the slug of a European or American realm from its name; diacritics stay."""
    return path_name(name).translate(str.maketrans(" ", "-", "'’()-"))


@dataclass(frozen=True, slots=True)
class Realm:
    """A realm; `translations` holds (locale, name) pairs where the name differs from `name`."""

    region: str
    id: int
    slug: str
    name: str
    connected_id: int
    translations: tuple[tuple[str, str], ...] = ()
    category: str = "English"
    locale: str = "enGB"
    timezone: str = "Europe/Paris"


@dataclass(frozen=True, slots=True)
class Guild:
    """A guild on its home realm; times are Unix milliseconds."""

    id: int
    name: str
    slug: str
    realm: Realm
    faction: str
    achievement_points: int = 0
    created_timestamp: int = 0


@dataclass(slots=True, eq=False)
class Character:
    """A character; None and `visible=False` stand for what Battle.net leaves out or answers with 404."""

    id: int
    name: str
    realm: Realm
    class_id: int
    race_id: int | None
    level: int
    faction: str | None = None
    guild: Guild | None = None
    rank: int | None = None
    gender: str = "FEMALE"
    active_spec: int | None = None
    active_title: str | None = None
    achievement_points: int = 0
    average_item_level: int = 0
    equipped_item_level: int = 0
    last_login: int = 0
    visible: bool = True


@dataclass(slots=True)
class World:
    """All realms, guilds and characters; change characters' names and realms only by the methods here."""

    realms: tuple[Realm, ...]
    guilds: list[Guild] = field(default_factory=list)
    _characters: dict[tuple[str, str, str], Character] = field(default_factory=dict)

    @property
    def characters(self) -> tuple[Character, ...]:
        return tuple(self._characters.values())

    def realm(self, region: str, slug: str) -> Realm | None:
        return next((realm for realm in self.realms if (realm.region, realm.slug) == (region, slug)), None)

    def guild(self, region: str, realm_slug: str, slug: str) -> Guild | None:
        wanted = (region, realm_slug, slug)
        return next((one for one in self.guilds if (one.realm.region, one.realm.slug, one.slug) == wanted), None)

    def members(self, guild: Guild) -> list[Character]:
        return [character for character in self._characters.values() if character.guild == guild]

    def character(self, region: str, realm_slug: str, name: str) -> Character | None:
        """Find a character by the name as a path holds it: an upper-case or decomposed name finds nobody."""
        return self._characters.get((region, realm_slug, name))

    def find(self, name: str, realm_slug: str | None = None) -> Character:
        """Return the one character of that name; raises LookupError when there is none or more than one."""
        found = [
            character
            for character in self._characters.values()
            if character.name == name and realm_slug in (None, character.realm.slug)
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} characters are called {name}")
        return found[0]

    def add(self, character: Character) -> Character:
        """Let a character exist; raises ValueError when its name is taken on its realm."""
        key = _key(character.realm, character.name)
        if key in self._characters:
            raise ValueError(f"{character.name} exists on {character.realm.slug} already")
        self._characters[key] = character
        return character

    def remove(self, character: Character) -> None:
        """Delete a character; its name is free again."""
        del self._characters[_key(character.realm, character.name)]

    def rename(self, character: Character, name: str) -> None:
        """Give a character another name; raises ValueError when it is taken."""
        self._move(character, name, character.realm, character.id)

    def transfer(self, character: Character, realm: Realm, *, new_id: int | None = None) -> None:
        """Move a character to another realm, with its id or a new one; raises ValueError when its name is taken."""
        self._move(character, character.name, realm, new_id or character.id)

    def join(self, character: Character, guild: Guild, rank: int) -> None:
        character.guild, character.rank = guild, rank

    def leave(self, character: Character) -> None:
        character.guild, character.rank = None, None

    def promote(self, character: Character) -> None:
        self.set_rank(character, _rank(character) - 1)

    def demote(self, character: Character) -> None:
        self.set_rank(character, _rank(character) + 1)

    def set_rank(self, character: Character, rank: int) -> None:
        """Give a guild member a rank; raises ValueError outside of 0..9 and for who is in no guild."""
        _rank(character)
        if not 0 <= rank <= 9:
            raise ValueError(f"no rank {rank}: ranks go from 0 to 9")
        character.rank = rank

    def login(self, character: Character, *, equipped_item_level: int | None = None, spec: int | None = None) -> None:
        """Log a character in an hour after its last time, perhaps better equipped or in another spec."""
        character.last_login += HOUR_MS
        if equipped_item_level is not None:
            character.equipped_item_level = equipped_item_level
            character.average_item_level = max(character.average_item_level, equipped_item_level)
        if spec is not None:
            character.active_spec = spec

    def catch_up(self, moment: datetime) -> None:
        """Move all logins so that the newest is at a moment: a guild of long ago would look abandoned."""
        missed = int(moment.timestamp() * 1000) - max((one.last_login for one in self.characters), default=0)
        for character in self.characters:
            character.last_login += missed

    def _move(self, character: Character, name: str, realm: Realm, character_id: int) -> None:
        old, new = _key(character.realm, character.name), _key(realm, name)
        if self._characters.get(new, character) is not character:
            raise ValueError(f"{name} exists on {realm.slug} already")
        del self._characters[old]
        character.name, character.realm, character.id = name, realm, character_id
        self._characters[new] = character
        # Battle.net shows a new name or realm only once the player has been in with it.
        self.login(character)


def names_of(realm: Realm) -> dict[str, str]:
    """Return the realm's name in each locale."""
    return dict.fromkeys(LOCALES, realm.name) | dict(realm.translations)


def _key(realm: Realm, name: str) -> tuple[str, str, str]:
    return realm.region, realm.slug, path_name(name)


def _rank(character: Character) -> int:
    if character.rank is None:
        raise ValueError(f"{character.name} is in no guild")
    return character.rank
