"""What of a roster sync officers want to know: who came and went, who is called otherwise, who moved in rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.roster import RosterPlan

NAMES: Final = 10
"""How many are named of those who came, and of those who went."""
LINES: Final = 15
"""How many renames and rank moves are told each."""


@dataclass(frozen=True, slots=True)
class Named:
    """So many characters, the first of them by name."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rename:
    """A character under its old name and its new one; only where those are equal it moved from realm to realm."""

    before: str
    after: str
    realm_before: str
    realm_after: str


@dataclass(frozen=True, slots=True)
class RankMove:
    """A character and the ranks between which it moved."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class RosterNews:
    """What a roster changed that officers would want to know; `more_…` count what is not told one by one."""

    joined: Named
    returned: Named
    departed: Named
    renamed: tuple[Rename, ...]
    more_renamed: int
    moved: tuple[RankMove, ...]
    more_moved: int


def news_of(plan: RosterPlan, *, is_first: bool) -> RosterNews | None:
    """Give what of a plan is notable, None for nothing: levels and held departures are not, nor is a first roster.

    Moves to and from the highest ranks are told first.
    """
    if is_first or not (plan.new or plan.joined or plan.departed or plan.renamed or plan.rank_moved):
        return None
    renamed = sorted(
        (
            Rename(stored.name, entry.name, stored.realm_slug, entry.realm_slug)
            for stored, entry in plan.renamed
            if (stored.name, stored.realm_slug) != (entry.name, entry.realm_slug)
        ),
        key=lambda one: (one.after, one.realm_after),
    )
    moved = sorted(
        (RankMove(entry.name, stored.rank, entry.rank) for stored, entry in plan.rank_moved if stored.rank is not None),
        key=lambda one: (min(one.before, one.after), one.name),
    )
    return RosterNews(
        joined=_named([entry.name for entry in plan.new]),
        returned=_named([entry.name for _, entry in plan.joined]),
        departed=_named([stored.name for stored in plan.departed]),
        renamed=tuple(renamed[:LINES]),
        more_renamed=max(0, len(renamed) - LINES),
        moved=tuple(moved[:LINES]),
        more_moved=max(0, len(moved) - LINES),
    )


def _named(names: Sequence[str]) -> Named:
    return Named(len(names), tuple(sorted(names)[:NAMES]))
