"""The plan of a roster sync: what one whole roster changes in what is stored about a guild."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Departure(StrEnum):
    """Tell how an absence that did not end the membership stands."""

    HELD = "held"  # waits for an officer
    KEPT = "kept"  # an officer said: still members


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Name a character for good within the guild's region; names and realms change, and ids repeat across realms."""

    realm_id: int
    blizzard_id: int


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """Hold one line of a fetched roster; race and faction are None where the answer lacks them."""

    identity: Identity
    name: str
    realm_slug: str
    class_id: int
    race_id: int | None
    level: int
    faction: str | None
    rank: int


@dataclass(frozen=True, slots=True)
class StoredCharacter:
    """Hold a known character: an open member of the guild, or one without open membership in it (rank None)."""

    id: int
    identity: Identity
    name: str
    realm_slug: str
    class_id: int
    race_id: int | None
    level: int
    faction: str | None
    rank: int | None
    held: Departure | None


Pair = tuple[StoredCharacter, RosterEntry]


@dataclass(frozen=True, slots=True)
class RosterPlan:
    """List what a roster changes, each tuple sorted by identity; nothing is in two tuples that exclude each other.

    `held` and `kept` are the whole sets as they stand after this roster: who is in neither is held no longer.
    """

    new: tuple[RosterEntry, ...]  # identity unknown: character and membership
    joined: tuple[Pair, ...]  # known, without open membership here: membership
    changed: tuple[Pair, ...]  # a stored fact other than the rank differs
    renamed: tuple[Pair, ...]  # of changed: the name or the realm differs
    transferred: tuple[Pair, ...]  # of renamed: the identity differs
    rank_moved: tuple[Pair, ...]
    departed: tuple[StoredCharacter, ...]
    held: tuple[StoredCharacter, ...]
    kept: tuple[StoredCharacter, ...]
    unchanged: int  # open members present with nothing to write


def holds(departures: int, members: int) -> bool:
    """Tell whether so many of the stored members leaving at once waits for an officer."""
    return (departures > 10 and departures * 4 > members) or (departures >= 3 and departures * 2 > members)


def plan(stored: Iterable[StoredCharacter], fetched: Iterable[RosterEntry]) -> RosterPlan:
    """Compare a guild's stored characters with one whole roster; the order of rows tells nothing.

    `stored` holds the guild's open members and every other known character whose identity is in the roster.
    Raises ValueError on an empty roster: it says nothing about anybody.
    """
    entries = _by_identity(fetched)
    if not entries:
        raise ValueError("an empty roster cannot be planned")
    known = {character.identity: character for character in stored}
    members = sum(character.rank is not None for character in known.values())
    absent = {i: character for i, character in known.items() if character.rank is not None and i not in entries}
    arrivals = {identity: entry for identity, entry in entries.items() if identity not in known}

    transferred = _transfers(absent.values(), arrivals.values())
    for character, entry in transferred:
        del absent[character.identity], arrivals[entry.identity]
    pairs = sorted(
        [(known[identity], entry) for identity, entry in entries.items() if identity in known] + transferred,
        key=_stored_identity,
    )

    joined = tuple(pair for pair in pairs if pair[0].rank is None)
    changed = tuple(pair for pair in pairs if _differs(*pair))
    rank_moved = tuple(pair for pair in pairs if pair[0].rank is not None and pair[0].rank != pair[1].rank)
    touched = {character.id for character, _ in (*joined, *changed, *rank_moved)}
    some_came_back = any(character.held is Departure.HELD for character, _ in pairs)
    departed, held, kept = _departures(absent, members, some_came_back=some_came_back)
    return RosterPlan(
        new=tuple(arrivals[identity] for identity in sorted(arrivals)),
        joined=joined,
        changed=changed,
        renamed=tuple(pair for pair in changed if _is_renamed(*pair)),
        transferred=tuple(transferred),
        rank_moved=rank_moved,
        departed=departed,
        held=held,
        kept=kept,
        unchanged=len(pairs) - len(touched),
    )


def _by_identity(fetched: Iterable[RosterEntry]) -> dict[Identity, RosterEntry]:
    """Keep one entry per identity; of several the highest rank, then whichever sorts first."""
    entries: dict[Identity, RosterEntry] = {}
    for entry in fetched:
        other = entries.get(entry.identity)
        if other is None or _precedence(entry) < _precedence(other):
            entries[entry.identity] = entry
    return entries


def _precedence(entry: RosterEntry) -> tuple[int, str, str, int, int, int, str]:
    race = -1 if entry.race_id is None else entry.race_id
    return entry.rank, entry.name, entry.realm_slug, entry.class_id, entry.level, race, entry.faction or ""


def _transfers(absent: Collection[StoredCharacter], arrivals: Collection[RosterEntry]) -> list[Pair]:
    """Pair a lone departure with a lone arrival of equal id and class: one character on another realm."""
    gone: defaultdict[tuple[int, int], list[StoredCharacter]] = defaultdict(list)
    come: defaultdict[tuple[int, int], list[RosterEntry]] = defaultdict(list)
    for character in absent:
        gone[character.identity.blizzard_id, character.class_id].append(character)
    for entry in arrivals:
        come[entry.identity.blizzard_id, entry.class_id].append(entry)
    pairs = [
        (characters[0], come[key][0])
        for key, characters in gone.items()
        if len(characters) == 1 and len(come.get(key, ())) == 1
    ]
    return sorted(pairs, key=_stored_identity)


def _departures(
    absent: Mapping[Identity, StoredCharacter], members: int, *, some_came_back: bool
) -> tuple[tuple[StoredCharacter, ...], tuple[StoredCharacter, ...], tuple[StoredCharacter, ...]]:
    """Divide the absent members into departed, held and kept.

    What is held stays held until somebody of it comes back or an officer decides: newcomers who make the share of the
    absent smaller say nothing about them.
    """
    everyone = tuple(absent[identity] for identity in sorted(absent))
    if holds(len(everyone), members) and any(character.held is not Departure.KEPT for character in everyone):
        return (), everyone, ()
    kept = tuple(character for character in everyone if character.held is Departure.KEPT)
    held = () if some_came_back else tuple(character for character in everyone if character.held is Departure.HELD)
    staying = {character.id for character in (*held, *kept)}
    departed = tuple(character for character in everyone if character.id not in staying)
    return departed, held, kept


def _differs(character: StoredCharacter, entry: RosterEntry) -> bool:
    """Compare all facts but the rank; a race or faction that the roster lacks leaves what is stored."""
    return (
        _is_renamed(character, entry)
        or character.class_id != entry.class_id
        or character.level != entry.level
        or entry.race_id not in (None, character.race_id)
        or entry.faction not in (None, character.faction)
    )


def _is_renamed(character: StoredCharacter, entry: RosterEntry) -> bool:
    return (character.name, character.realm_slug, character.identity) != (entry.name, entry.realm_slug, entry.identity)


def _stored_identity(pair: Pair) -> Identity:
    return pair[0].identity
