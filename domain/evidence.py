"""Evidence: why a character may belong to a member, what each rule looks at, and how a person reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

from domain.links import Source


class Strength(IntEnum):
    """Grade one piece of evidence; only STRONG links by itself, and only where nothing speaks against it."""

    HINT = 0
    """Orders candidates; proposes nobody."""
    WEAK = 1
    """Suggests."""
    GOOD = 2
    """Links with medium confidence."""
    STRONG = 3
    """Links with high confidence."""


class Place(StrEnum):
    """Name where a name is written."""

    NICK = "nick"
    GLOBAL_NAME = "global_name"
    USERNAME = "username"
    OFFICER_NOTE = "officer_note"
    GUILD_NOTE = "guild_note"


PLACES: Final[Mapping[Place, str]] = MappingProxyType(
    {
        Place.NICK: "nickname",
        Place.GLOBAL_NAME: "display name",
        Place.USERNAME: "username",
        Place.OFFICER_NOTE: "officer note",
        Place.GUILD_NOTE: "public note",
    }
)


class RuleName(StrEnum):
    """Name a rule of matching."""

    ALIAS = "alias"
    NOTE_NAMES_MEMBER = "note_names_member"
    NOTE_NAMES_CHARACTER = "note_names_character"
    SHARED_NICKNAME = "shared_nickname"
    NAMED_IN_NOTE = "named_in_note"
    EQUAL_NAME = "equal_name"
    NAME_PART = "name_part"
    SECOND_NAME = "second_name"
    DECORATED_NAME = "decorated_name"
    SIMILAR_NAME = "similar_name"
    SAME_RANK = "same_rank"
    SAME_CLASS = "same_class"


@dataclass(frozen=True, slots=True)
class MatchRule:
    """Describe a rule of matching: what it looks at, in words for officers."""

    name: RuleName
    version: int
    title: str
    looks_at: str


RULES: Final[Mapping[str, MatchRule]] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            MatchRule(RuleName.ALIAS, 1, "Alias", "What an officer said a name in notes means."),
            MatchRule(RuleName.EQUAL_NAME, 1, "Equal name", "A member bears the character's name."),
            MatchRule(RuleName.NAME_PART, 1, "Part of a name", "A part of a member's name is the character's name."),
            MatchRule(RuleName.NOTE_NAMES_MEMBER, 1, "Note names a member", "A note of the character names a member."),
            MatchRule(
                RuleName.NOTE_NAMES_CHARACTER,
                1,
                "Note names a character",
                "A note of the character names another one, whose player is known.",
            ),
            MatchRule(
                RuleName.SHARED_NICKNAME,
                1,
                "Same nickname in notes",
                "A note of the character holds a nickname that another one's holds too, whose player is known.",
            ),
            MatchRule(
                RuleName.NAMED_IN_NOTE,
                1,
                "Named in a note of theirs",
                "A note of a member's character names this one; suggests, never links.",
            ),
            MatchRule(
                RuleName.DECORATED_NAME,
                1,
                "Decorated name",
                "A member's name is the character's but for decoration or script; never enough alone.",
            ),
            MatchRule(
                RuleName.SECOND_NAME,
                1,
                "Two accounts",
                "Two members share the character's name and another one, as one person with two accounts would.",
            ),
            MatchRule(RuleName.SIMILAR_NAME, 1, "Similar name", "A name resembles another; suggests, never links."),
            MatchRule(RuleName.SAME_RANK, 1, "Rank", "A member holds the role of the character's rank; orders only."),
            MatchRule(RuleName.SAME_CLASS, 1, "Class", "A note names the character's class; orders only."),
        )
    }
)


_OF_OFFICERS: Final = frozenset({RuleName.ALIAS, RuleName.SHARED_NICKNAME})
"""Rules whose reasons may repeat what stands in an officer note alone."""
_TEXTS: Final = {
    RuleName.ALIAS: "an officer said that “{written}” means {other}",
    RuleName.NOTE_NAMES_MEMBER: "the {where} says “{written}”, and that is {other}",
    RuleName.NOTE_NAMES_CHARACTER: "the {where} says “{written}”, and that is the character {other}",
    RuleName.SHARED_NICKNAME: "the {where} says “{written}”, like that of {other}",
    RuleName.EQUAL_NAME: "the {where} is “{written}”",
    RuleName.NAME_PART: "the {where} “{written}” holds “{other}”",
    RuleName.NAMED_IN_NOTE: "the {where} of their {other} says “{written}”",
    RuleName.DECORATED_NAME: "the {where} is “{written}”, which may be “{other}”",
    RuleName.SECOND_NAME: "two members with this name are also both called “{written}”: perhaps one person",
    RuleName.SIMILAR_NAME: "the {where} says “{written}”, which resembles “{other}”",
    RuleName.SAME_RANK: "holds the role of this rank",
    RuleName.SAME_CLASS: "the {where} names the class too",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold one reason.

    `source` is what a link that rests on it counts as; `place` where it is written, None for an officer's alias;
    `written` the name as it stands there; `other` the name as the other side bears it (a member's, a character's);
    `via` the character it leads over.
    """

    rule: RuleName
    strength: Strength
    source: Source
    place: Place | None
    written: str
    other: str
    via: int | None = None

    @property
    def version(self) -> int:
        """Give the version of its rule."""
        return RULES[self.rule].version

    def text(self, *, for_officers: bool) -> str:
        """Say it in plain words, unescaped; for members what an officer note holds is left out."""
        if not for_officers and (self.place is Place.OFFICER_NOTE or self.rule in _OF_OFFICERS):
            return "officers noted it"
        where = "" if self.place is None else PLACES[self.place]
        return _TEXTS[self.rule].format(where=where, written=self.written, other=self.other)

    def to_json(self) -> dict[str, Any]:
        """Give it as it is kept."""
        return {
            "rule": self.rule.value,
            "version": self.version,
            "strength": self.strength.value,
            "source": self.source.value,
            "place": None if self.place is None else self.place.value,
            "written": self.written,
            "other": self.other,
            "via": self.via,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read it as `to_json` gives it; raises ValueError or KeyError for what another release wrote."""
        return cls(
            RuleName(kept["rule"]),
            Strength(kept["strength"]),
            Source(kept["source"]),
            None if kept["place"] is None else Place(kept["place"]),
            kept["written"],
            kept["other"],
            kept["via"],
        )
