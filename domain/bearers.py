"""Who bears a name: members by their names and the pieces of them, characters by theirs, looked up by folded key."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, TypeAlias

from domain.decoration import SHORTEST, romanised, sounded, undecorated
from domain.evidence import Place
from domain.identity import Case, Character, Member
from domain.names import fold
from domain.nicknames import Piece, pieces
from domain.similar import Similar

Person: TypeAlias = tuple[str, int]
"""A human as matching sees them: a player of the server, or a member who is none yet."""

CROWD: Final = 8
"""People of one name among whom nobody could choose: more are not even suggested."""
_PLACES: Final = (Place.NICK, Place.GLOBAL_NAME, Place.USERNAME)


@lru_cache(maxsize=65_536)
def exact(name: str) -> str:
    """Give a name as it tells twins apart: accents count, case does not."""
    return unicodedata.normalize("NFC", name).casefold().strip()


@dataclass(frozen=True, slots=True)
class Bearer:
    """A person and where they bear a name; `name` is the whole that `piece` is taken from.

    `shown` tells that others see them by it: the nick, where there is none the global name, else the username.
    """

    person: Person
    place: Place
    piece: Piece
    name: str
    shown: bool = False

    @property
    def rank(self) -> int:
        """Give how much the place says, 0 for most: whatever others see counts alike."""
        return 0 if self.shown else _PLACES.index(self.place)


class Bearers:
    """Look up who bears a name, in a case."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.characters: Mapping[int, Character] = {one.id: one for one in case.characters}
        self.keys: Mapping[int, str] = {one.id: fold(one.name) for one in case.characters}
        by_key: defaultdict[str, list[Character]] = defaultdict(list)
        for one in case.characters:
            if key := self.keys[one.id]:
                by_key[key].append(one)
        self.by_key: Mapping[str, Sequence[Character]] = by_key
        realms = {slug: fold(slug) for slug in {one.realm for one in case.characters}}
        self.realms: Mapping[str, str] = realms
        self._realm_keys = frozenset(realms.values()) - {""}
        self.members: Mapping[Person, Sequence[Member]] = self._people(case)
        self.names: Mapping[str, Sequence[Bearer]] = self._index(case)
        self._fitting: dict[str, Mapping[int, int]] = {}

    @staticmethod
    def _people(case: Case) -> dict[Person, list[Member]]:
        people: defaultdict[Person, list[Member]] = defaultdict(list)
        for member in case.members:
            people[person_of(case, member.id)].append(member)
        return people

    def _index(self, case: Case) -> dict[str, list[Bearer]]:
        index: defaultdict[str, list[Bearer]] = defaultdict(list)
        for member in case.members:
            person = person_of(case, member.id)
            shown = member.nick or member.global_name or member.username
            for place, name in zip(_PLACES, (member.nick, member.global_name, member.username), strict=True):
                if name:
                    for piece in self._with_realm(list(pieces(name, handle=place is Place.USERNAME))):
                        index[piece.key].append(Bearer(person, place, piece, name, name == shown))
        return index

    def _with_realm(self, found: Sequence[Piece]) -> Iterable[Piece]:
        """Take a realm that stands among the pieces for the others' realm, and any other word for no realm."""
        realm = next((one.key for one in found if not one.whole and one.key in self._realm_keys), "")
        for one in found:
            if one.whole:
                yield one
            elif one.key != realm:
                of = one.realm if one.realm in self._realm_keys else realm
                yield one if of == one.realm else Piece(one.key, one.written, one.whole, of)

    def is_realm(self, key: str) -> bool:
        """Tell whether a folded text is a realm of the guild's characters, or the beginning of one that was cut."""
        return any(known.startswith(key) for known in self._realm_keys)

    def alike(self, key: str) -> Sequence[Bearer]:
        """Give who bears a name but for decoration or script; a name that is a character's own is nobody else's."""
        if key.isascii():
            return [*self._decorated.get(key, ()), *self._sounding[False].get(sounded(key), ())]
        return [*self._decorated.get(key, ()), *self._sounding[True].get(sounded(romanised(key)), ())]

    @cached_property
    def similar_characters(self) -> Similar:
        """Give the keys of characters, to find those that resemble a key."""
        return Similar(self.by_key)

    @cached_property
    def _loose(self) -> Sequence[tuple[str, str, Sequence[Bearer]]]:
        """Give each name that is no character's, and what it may be without decoration."""
        return [
            (key, form, found)
            for key, found in self.names.items()
            if key not in self.by_key
            for form in (key, *undecorated(key))
        ]

    @cached_property
    def _decorated(self) -> Mapping[str, Sequence[Bearer]]:
        index: defaultdict[str, list[Bearer]] = defaultdict(list)
        for key, form, found in self._loose:
            if form != key:
                index[form].extend(found)
        return index

    @cached_property
    def _sounding(self) -> Mapping[bool, Mapping[str, Sequence[Bearer]]]:
        """Give the names in Latin letters (True) and in others, by how they sound."""
        index: dict[bool, defaultdict[str, list[Bearer]]] = {True: defaultdict(list), False: defaultdict(list)}
        others = any(not key.isascii() for key in self.by_key) or any(not key.isascii() for key in self.names)
        for _, form, found in self._loose if others else ():
            if len(sound := sounded(romanised(form))) >= SHORTEST:
                index[form.isascii()][sound].extend(found)
        return index

    def names_realm(self, keys: Sequence[str]) -> bool:
        """Tell whether one of the folded words is a realm of the guild's characters."""
        return not self._realm_keys.isdisjoint(keys)

    def shown(self, person: Person) -> Member | None:
        """Give the member that a link to a person names: the first who may be matched, None if nobody may."""
        return min(
            (one for one in self.members.get(person, ()) if not one.hidden), key=lambda one: one.id, default=None
        )

    def of_character(self, character: Character) -> Sequence[Bearer]:
        """Give who bears a character's name; realm and accents count where they tell twins apart."""
        key = self.keys[character.id]
        found = self.names.get(key, ())
        twins = self.by_key.get(key, ())
        if not found or (len(twins) == 1 and not any(one.piece.realm for one in found)):
            return found
        realm, name = self.realms[character.realm], exact(character.name)
        spellings = {exact(one.name) for one in twins}
        return [
            one
            for one in found
            if (not one.piece.realm or one.piece.realm == realm)
            and (one.piece.realm or (written := exact(one.piece.written)) == name or written not in spellings)
        ]

    def fitting(self, key: str) -> Mapping[int, int]:
        """Give how many characters of a name each of its bearers, by `id()`, may mean."""
        known = self._fitting.get(key)
        if known is None:
            twins = self.by_key.get(key, ())
            known = self._fitting[key] = Counter(id(one) for twin in twins for one in self.of_character(twin))
        return known

    def named(self, written: str, keys: Sequence[str], realm: str, *, but: int) -> Sequence[Character]:
        """Give the characters that a written name means, without the one whose note it stands in."""
        for key in keys:
            found = [one for one in self.by_key.get(key, ()) if one.id != but]
            if realm:
                found = [one for one in found if self.realms[one.realm].startswith(realm)]
            if len(found) > 1:
                found = [one for one in found if exact(one.name) == exact(written)] or found
            if found:
                return found
        return ()


def person_of(case: Case, user_id: int) -> Person:
    """Give the person that a member is."""
    owner = case.member_owners.get(user_id)
    return ("member", user_id) if owner is None else ("player", owner.player_id)
