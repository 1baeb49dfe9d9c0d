"""Links between characters, members and players: where they come from and what they prove."""

from enum import Enum, StrEnum
from functools import total_ordering


@total_ordering
class Source(Enum):
    """Name where a link comes from; a stronger source compares as greater."""

    SIMILAR_NAME = "similar_name"
    NAME = "name"
    GUILD_NOTE = "guild_note"
    OFFICER_NOTE = "officer_note"
    ALIAS = "alias"
    MIGRATED_SHEET = "migrated_sheet"
    CLAIM = "claim"
    INVITE = "invite"
    OFFICER = "officer"
    BATTLENET_OAUTH = "battlenet_oauth"

    @property
    def strength(self) -> int:
        """Give the place in the order, 0 for the weakest."""
        return _STRENGTH[self]

    @property
    def is_proof(self) -> bool:
        """Tell whether the source can carry authority; inference never does, whatever its confidence."""
        return self in _PROOFS

    @property
    def is_by_person(self) -> bool:
        """Tell a person's word, which no rule undoes, from what a rule inferred."""
        return self >= Source.MIGRATED_SHEET

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Source):
            return NotImplemented
        return self.strength < other.strength


_STRENGTH = {source: place for place, source in enumerate(Source)}
_PROOFS = frozenset({Source.BATTLENET_OAUTH, Source.OFFICER, Source.INVITE, Source.CLAIM})


class Confidence(StrEnum):
    """Grade how sure a link is; people's links and proofs are high."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class LinkEnd(StrEnum):
    """Name what ended a link."""

    CONFIRMED = "confirmed"
    """A person made it theirs: the same link goes on, by their word."""
    REMOVED = "removed"
    MOVED = "moved"
    OPTED_OUT = "opted_out"


class Verdict(StrEnum):
    """Name what a person says of what a rule found."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class ClaimState(StrEnum):
    """Tell how far a claim has come."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class LinkMode(StrEnum):
    """Name what the rules may do on a server by themselves."""

    AUTOMATIC = "automatic"
    """Links of high confidence by themselves; all else is suggested."""
    SUGGEST = "suggest"
    """Everything is suggested."""
    OFF = "off"
    """Nothing is linked or suggested."""


def is_proven(character_half: Source, member_half: Source) -> bool:
    """Tell whether both halves of a link rest on a proof."""
    return character_half.is_proof and member_half.is_proof
