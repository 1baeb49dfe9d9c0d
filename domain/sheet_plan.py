"""What importing a spreadsheet does: whose each row's character becomes, and which rows a person has to look at."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from domain.errors import quoted
from domain.identity import Owner
from domain.links import Source
from domain.names import fold
from domain.sheet import CharacterRow, IdRow, Remark, in_order, person_key


@dataclass(frozen=True, slots=True)
class KnownCharacter:
    """A character now in the guild; `realm_keys` are the folded slug and names of its realm."""

    id: int
    name: str
    realm: str
    realm_keys: frozenset[str]
    class_id: int
    owner: Owner | None = None


@dataclass(frozen=True, slots=True)
class KnownMember:
    """A member whom the server knows."""

    user_id: int
    has_left: bool = False
    opted_out: bool = False
    owner: Owner | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What stands before the import: members by user id, class names and mains by their ids."""

    characters: tuple[KnownCharacter, ...]
    members: Mapping[int, KnownMember]
    classes: Mapping[int, str]
    mains: Mapping[int, int] = field(default_factory=dict)
    rejected: frozenset[tuple[int, int]] = frozenset()


class Fate(StrEnum):
    """Tell what becomes of a link that the sheet names."""

    NEW = "new"
    MOVED = "moved"
    """A rule, or an earlier sheet, had given the character to another player."""
    CONFIRMED = "confirmed"
    """A rule had made the same link; now it rests on the sheet."""
    KEPT = "kept"
    """It stands already, by this source or a stronger one."""


@dataclass(frozen=True, slots=True)
class SheetLink:
    """A character, the member whose it is to be, and how the sheet writes both."""

    character: KnownCharacter
    member: KnownMember
    row: CharacterRow
    fate: Fate


@dataclass(frozen=True, slots=True)
class Main:
    """A character that becomes the main of a member's player."""

    character_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """All that an import writes, in the sheet's order, and what it leaves to a person, by file and line."""

    links: tuple[SheetLink, ...]
    mains: tuple[Main, ...]
    remarks: tuple[Remark, ...]
    id_remarks: tuple[Remark, ...]

    @property
    def members(self) -> tuple[KnownMember, ...]:
        """Give the members that the links are to, each once."""
        return tuple({link.member.user_id: link.member for link in self.links}.values())


Person = tuple[str, int]
"""The player whom a member belongs to, or the member where there is none: one person's two accounts are one."""

Found = tuple[CharacterRow, KnownCharacter, KnownMember]
"""A row, the character that it means and the member whose it says it is."""


def plan(rows: Sequence[CharacterRow], ids: Sequence[IdRow], known: Known) -> SheetPlan:
    """Decide about every row of a sheet; what fits two characters or two people is listed, not guessed."""
    remarks: list[Remark] = []
    members, id_remarks = _members(rows, ids, known)
    found: list[Found] = []
    by_name: defaultdict[str, list[KnownCharacter]] = defaultdict(list)
    for one in known.characters:
        by_name[fold(one.name)].append(one)
    for row in rows:
        member = members.get(person_key(row.discord))
        if member is None:
            continue
        character = _character(row, by_name[fold(row.name)] if fold(row.name) else [], known.classes)
        if isinstance(character, KnownCharacter):
            found.append((row, character, member))
        else:
            remarks.append(Remark(row.line, character))
    links = _links(found, known, remarks)
    meant = {row.line: character.id for row, character, _ in found}
    moved = {link.character.id for link in links if link.fate is Fate.MOVED}
    before = {player_id: main for player_id, main in known.mains.items() if main not in moved}
    mains = _mains([row for row in rows if row.is_main], members, meant, links, before=before, remarks=remarks)
    remarks += _without_id(rows, ids)
    return SheetPlan(tuple(links), tuple(mains), in_order(remarks), in_order(id_remarks))


def _members(
    rows: Sequence[CharacterRow], ids: Sequence[IdRow], known: Known
) -> tuple[dict[str, KnownMember], list[Remark]]:
    """Give the member of each person whose characters can be linked, and why others' cannot."""
    counts: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        counts[person_key(row.discord)] += 1
    by_person: defaultdict[str, dict[int, IdRow]] = defaultdict(dict)
    for one in ids:
        by_person[person_key(one.discord)].setdefault(one.user_id, one)
    members: dict[str, KnownMember] = {}
    remarks: list[Remark] = []
    for key, given in by_person.items():
        first, *others = given.values()
        member = known.members.get(first.user_id)
        if others and len({_person(known.members.get(one) or KnownMember(one)) for one in given}) > 1:
            lines = ", ".join(str(one.line) for one in others)
            why = f"has another id in line {lines}"
        elif member is None:
            why = f"has an id that is no member's of this server: {first.user_id}"
        elif member.has_left:
            why = "has left the server"
        elif member.opted_out:
            why = "has opted out"
        else:
            members[key] = member
            continue
        cost = f"; {_rows(counts[key])} not linked" if key in counts else ""
        remarks.append(Remark(first.line, f"{quoted(first.discord)} {why}{cost}"))
    return members, remarks


def _without_id(rows: Sequence[CharacterRow], ids: Sequence[IdRow]) -> Iterable[Remark]:
    with_id = {person_key(one.discord) for one in ids}
    without: defaultdict[str, list[CharacterRow]] = defaultdict(list)
    for row in rows:
        if (key := person_key(row.discord)) not in with_id:
            without[key].append(row)
    for own in without.values():
        yield Remark(own[0].line, f"{quoted(own[0].discord)} has no id in the other file; {_rows(len(own))} not linked")


def _rows(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


def _character(row: CharacterRow, named: Sequence[KnownCharacter], classes: Mapping[int, str]) -> KnownCharacter | str:
    """Give the character that a row means, or why none can be told."""
    if not named:
        return f"no character {quoted(row.name)} is in the guild"
    fitting = [one for one in named if not row.realm or fold(row.realm) in one.realm_keys]
    if not fitting:
        elsewhere = ", ".join(sorted({one.realm for one in named}))
        return f"no character {quoted(row.name)} of the guild is on {quoted(row.realm)}, but on {elsewhere}"
    if len(fitting) > 1:  # a name written with its very accents means the one that bears them
        fitting = [one for one in fitting if _spelling(one.name) == _spelling(row.name)] or fitting
    if len(fitting) > 1:
        several = ", ".join(sorted(f"{one.name}-{one.realm}" for one in fitting))
        return f"several characters are called {quoted(row.name)}: {several}"
    [character] = fitting
    said = {class_id for class_id, name in classes.items() if fold(name) == fold(row.class_name)}
    if said and character.class_id not in said:
        is_now = classes.get(character.class_id, "of another class")
        return f"{character.name} is no {quoted(row.class_name)} but {is_now}: perhaps another character of this name"
    return character


def _spelling(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _person(member: KnownMember) -> Person:
    return ("member", member.user_id) if member.owner is None else ("player", member.owner.player_id)


def _links(found: Sequence[Found], known: Known, remarks: list[Remark]) -> list[SheetLink]:
    persons: defaultdict[int, dict[Person, int]] = defaultdict(dict)
    for row, character, member in found:
        persons[character.id].setdefault(_person(member), row.line)
    links: dict[int, SheetLink] = {}
    for row, character, member in found:
        others = [line for person, line in persons[character.id].items() if person != _person(member)]
        if others:
            lines = " and ".join(map(str, others))
            remarks.append(Remark(row.line, f"{character.name} is given to somebody else too, in line {lines}"))
        elif character.id not in links:
            fate = _fate(character, member, known)
            if isinstance(fate, Fate):
                links[character.id] = SheetLink(character, member, row, fate)
            else:
                remarks.append(Remark(row.line, fate))
    return list(links.values())


def _fate(character: KnownCharacter, member: KnownMember, known: Known) -> Fate | str:
    owner = character.owner
    if owner is not None and member.owner is not None and owner.player_id == member.owner.player_id:
        return Fate.KEPT if owner.source.is_by_person else Fate.CONFIRMED
    if owner is not None and owner.source > Source.MIGRATED_SHEET:
        return f"{character.name} is another player's by a person's word: `/whois` tells whose"
    if (character.id, member.user_id) in known.rejected:
        return f"an officer has said that {character.name} is not this member's: `/link add` takes that back"
    return Fate.NEW if owner is None else Fate.MOVED


def _mains(
    rows: Sequence[CharacterRow],
    members: Mapping[str, KnownMember],
    meant: Mapping[int, int],
    links: Sequence[SheetLink],
    *,
    before: Mapping[int, int],
    remarks: list[Remark],
) -> list[Main]:
    """Give a main to each person of whom the rows name one alone, and who has none.

    `meant` is the character of a row by its line, where it means one; `before` the mains of players.
    """
    linked = {(link.character.id, _person(link.member)): link for link in links}
    named: defaultdict[Person, dict[int | tuple[str, str], CharacterRow]] = defaultdict(dict)
    for row in rows:
        if (member := members.get(person_key(row.discord))) is not None:
            character = meant.get(row.line, (fold(row.name), fold(row.realm)))
            named[_person(member)].setdefault(character, row)
    mains: list[Main] = []
    for person, own in named.items():
        [(character, first), *others] = own.items()
        if others:
            several = ", ".join(f"{quoted(row.name)} in line {row.line}" for row in own.values())
            remarks.append(Remark(first.line, f"{quoted(first.discord)} has several mains, so none is set: {several}"))
            continue
        if not isinstance(character, int) or (link := linked.get((character, person))) is None:
            continue  # why it is not linked is told already
        kind, number = person
        main = before.get(number) if kind == "player" else None
        if main is None:
            mains.append(Main(character, link.member.user_id))
        elif main != character:
            told = f"{quoted(first.discord)} has another main already, which stays instead of {link.character.name}"
            remarks.append(Remark(first.line, told))
    return mains
