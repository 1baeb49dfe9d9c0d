"""What the notes of a case say: each mention resolved to members, characters, or a nickname that others may share."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.bearers import CROWD, Bearer, Bearers, Person, exact, person_of
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.identity import Alias, Case, Character
from domain.links import Source
from domain.names import fold
from domain.notes import Form, Mention, read_note
from domain.similar import SYLLABIC
from domain.vocabulary import CLASSES

CLEAR_LENGTH: Final = 6
"""Letters from which on a name in a note may also be meant by one with decoration."""
MOST_SHARING: Final = 100
"""Characters whose notes share a word before it is no nickname of one person."""
SOURCES: Final = {Place.OFFICER_NOTE: Source.OFFICER_NOTE, Place.GUILD_NOTE: Source.GUILD_NOTE}


@dataclass(frozen=True, slots=True)
class Reading:
    """One mention of a note and what it may mean: characters, members, or a nickname to be found elsewhere.

    Members beside characters are meant where several characters bear the name.
    """

    place: Place
    mention: Mention
    people: tuple[Person, ...] = ()
    characters: tuple[int, ...] = ()
    nickname: str = ""
    other: str = ""
    """The name as the member or the character bears it."""
    by_alias: bool = False
    loose: bool = False
    """The name is borne with decoration, in another script, or without an ending that may belong to it."""

    class_differs: bool = False
    """The note tells of a class that the character is not."""

    def evidence(self, *, via: int | None = None, other: str = "") -> Evidence:
        """Give it as a reason, that leads over a character or not."""
        if self.by_alias:
            rule, strength, source = RuleName.ALIAS, Strength.STRONG, Source.ALIAS
        elif self.nickname:
            rule, strength, source = RuleName.SHARED_NICKNAME, Strength.GOOD, SOURCES[self.place]
        else:
            rule = RuleName.NOTE_NAMES_MEMBER if via is None else RuleName.NOTE_NAMES_CHARACTER
            doubtful = (
                self.mention.doubtful or self.loose or self.class_differs or (via is None and bool(self.characters))
            )
            strength, source = Strength.GOOD if doubtful else Strength.STRONG, SOURCES[self.place]
        return Evidence(rule, strength, source, self.place, self.mention.written, other or self.other, via)


class Readings:
    """Read all notes of a case once."""

    def __init__(self, case: Case, bearers: Bearers) -> None:
        self._bearers = bearers
        self._case = case
        self._meant: dict[Mention, tuple[tuple[Person, ...], str, bool]] = {}
        self._aliases: Mapping[str, Alias] = {alias.key: alias for alias in case.aliases}
        self._uses = Counter(
            key
            for one in case.characters
            for key in {
                key
                for note in (one.officer_note, one.guild_note)
                for mention in read_note(note)
                for key in mention.keys
            }
        )
        self.of: Mapping[int, tuple[Reading, ...]] = {
            one.id: found for one in case.characters if (found := tuple(self._read(one)))
        }
        self._named_by: defaultdict[int, set[int]] = defaultdict(set)
        sharing: defaultdict[str, set[int]] = defaultdict(set)
        self.spoken: set[str] = set()
        """The nicknames that some note uses as a name for sure, and not as a word that may be a remark."""
        self.called: set[int] = set()
        """The characters that another's note names as its main."""
        for character_id, found in self.of.items():
            for reading in found:
                if reading.nickname:
                    sharing[reading.nickname].add(character_id)
                    if reading.mention.form is not Form.BARE:
                        self.spoken.add(reading.nickname)
                elif len(reading.characters) == 1:
                    self.called.update(reading.characters)
                for named in reading.characters:
                    self._named_by[named].add(character_id)
        self.sharing: Mapping[str, Sequence[int]] = {key: sorted(ids) for key, ids in sharing.items()}
        """The characters whose notes hold a nickname that names nobody known."""

    def _read(self, character: Character) -> Iterator[Reading]:
        for place, note in ((Place.OFFICER_NOTE, character.officer_note), (Place.GUILD_NOTE, character.guild_note)):
            for mention in self._mentions(note):
                if (reading := self._resolve(character, place, mention)) is not None:
                    yield reading

    def following(self, character_id: int) -> Iterator[int]:
        """Give the characters whose notes mean the owner of one."""
        yield from self._named_by[character_id]
        for reading in self.of.get(character_id, ()):
            if reading.nickname:
                yield from self.leading_to(reading)

    def _mentions(self, note: str | None) -> Sequence[Mention]:
        """Read a note; one that is an alias as a whole is nothing else, whatever its word means elsewhere."""
        key = fold(note)
        if note and key in self._aliases:
            return (Mention(Form.BARE, (key,), note.strip()),)
        return read_note(note)

    def leading_to(self, reading: Reading) -> Sequence[int]:
        """Give the characters whose owner a reading means: those it names, or those whose notes share its nickname."""
        if reading.nickname:
            sharing = self.sharing[reading.nickname]
            return sharing if reading.nickname in self.spoken and len(sharing) <= MOST_SHARING else ()
        return reading.characters

    def _resolve(self, character: Character, place: Place, mention: Mention) -> Reading | None:
        """Find whom a mention means: an alias, else characters, else members, else a nickname."""
        alias = next((self._aliases[key] for key in mention.keys if key in self._aliases), None)
        if alias is not None:
            return self._by_alias(place, mention, alias)
        if self._names_nobody(character, mention):
            return None
        differs = CLASSES.get(mention.class_word, character.class_id) != character.class_id
        named: Sequence[Character] = ()
        if mention.form is not Form.DISCORD and not mention.whole:
            named = self._bearers.named(mention.written, mention.keys, mention.realm, but=character.id)
        if len(named) == 1:
            guessed = self._bearers.keys[named[0].id] in mention.guessed
            return Reading(
                place, mention, characters=(named[0].id,), other=named[0].name, loose=guessed, class_differs=differs
            )
        people, other, loose = self._members(mention)
        if named or people or mention.realm:
            ids = tuple(sorted(one.id for one in named))
            return Reading(place, mention, people, ids, other=other, loose=loose, class_differs=differs)
        if mention.form is Form.DISCORD or mention.whole or self._bearers.keys[character.id] in mention.keys:
            return None
        return Reading(place, mention, nickname=max(mention.keys, key=lambda key: (self._uses[key], key)))

    def _names_nobody(self, character: Character, mention: Mention) -> bool:
        """Tell a realm alone, a realm that nobody is from, and the character's own name."""
        if mention.form is Form.BARE and self._bearers.names_realm(mention.keys):
            return True
        own = self._bearers.keys[character.id] in mention.keys and exact(mention.written) == exact(character.name)
        foreign = bool(mention.realm) and not self._bearers.is_realm(mention.realm)
        return foreign or (own and mention.form is not Form.DISCORD)

    def _by_alias(self, place: Place, mention: Mention, alias: Alias) -> Reading | None:
        if alias.user_id is not None:
            person = person_of(self._case, alias.user_id)
            member = self._bearers.shown(person)
            shown = "" if member is None else member.username
            return Reading(place, mention, people=(person,), other=shown, by_alias=True)
        named = self._bearers.characters.get(alias.character_id or 0)
        if named is None:
            return None
        return Reading(place, mention, characters=(named.id,), other=named.name, by_alias=True)

    def _members(self, mention: Mention) -> tuple[tuple[Person, ...], str, bool]:
        """Give the people whose name a mention is, that name, and whether it differs by decoration or script."""
        known = self._meant.get(mention)
        if known is None:
            known = self._meant[mention] = self._find_members(mention)
        return known

    def _find_members(self, mention: Mention) -> tuple[tuple[Person, ...], str, bool]:
        for key in () if mention.realm else mention.keys:
            if found := self._bearers.names.get(key, ()):
                return *_people(self._fitting(mention, found)), key in mention.guessed
        for key in () if mention.realm else mention.keys:
            # A short name with something around it is mostly somebody else's first name.
            clear = mention.form is Form.DISCORD or len(key) >= CLEAR_LENGTH or key >= SYLLABIC
            if clear and (found := self._bearers.alike(key)):
                return *_people(found), True
        return (), "", False

    def _fitting(self, mention: Mention, found: Sequence[Bearer]) -> Sequence[Bearer]:
        """Choose among bearers of a name: in words about Discord the username; else who writes it as the note does."""
        if mention.form is Form.DISCORD:
            found = [one for one in found if one.place is Place.USERNAME and one.piece.whole] or found
        if len({one.person for one in found}) > 1:
            same = [one for one in found if exact(one.piece.written) == exact(mention.written)]
            found = same if len({one.person for one in same}) == 1 else found
        return found


def _people(found: Sequence[Bearer]) -> tuple[tuple[Person, ...], str]:
    people = tuple(sorted({one.person for one in found}))
    best = min(found, key=lambda one: (not one.piece.whole, one.rank, one.name))
    return (people, best.name) if len(people) <= CROWD else ((), "")
