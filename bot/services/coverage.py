"""Coverage: how much of the guild and of the server is linked, by what, and how far the rules are trusted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from bot.services.context import Context
from db import coverage, ranks, servers, verdicts
from db.coverage import CharacterCount, MemberCount, PlayerCount, SuggestionVerdicts, WaitingCounts
from db.ranks import RankView
from domain.evidence import RuleName
from domain.links import Confidence, Source
from domain.trust import Counts, suggesting

__all__ = ["CharacterCount", "Counts", "MemberCount", "PlayerCount", "RankView", "SuggestionVerdicts", "WaitingCounts"]

Way = tuple[Source, Confidence]
"""How a half was made, and how sure it is."""


class Grade(Enum):
    """Grade how well somebody is known, the best first."""

    PROVEN = "proven"
    WORD = "word"
    """A person's word stands behind a half, but no proof behind both: a spreadsheet's links."""
    HIGH = "high"
    MEDIUM = "medium"
    SUGGESTED = "suggested"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is linked on a server; `only_suggesting` are the rules that people rejected too often to let them link."""

    guild_name: str
    characters: tuple[CharacterCount, ...]
    members: tuple[MemberCount, ...]
    players: tuple[PlayerCount, ...]
    waiting: WaitingCounts
    links: dict[str, Counts]
    suggestions: dict[str, SuggestionVerdicts]
    only_suggesting: frozenset[RuleName]
    ranks: tuple[RankView, ...]

    def graded_characters(self, rank: int | None = None) -> Counter[Grade]:
        """Count the characters, of one rank or of all, by how well their owner is known."""
        found: Counter[Grade] = Counter()
        for one in self.characters:
            if rank is None or one.rank == rank:
                unlinked = Grade.SUGGESTED if one.suggested else Grade.UNKNOWN
                found[_grade(one.source, one.confidence, proven=one.proven) or unlinked] += one.count
        return found

    def graded_members(self) -> Counter[Grade]:
        """Count the members by how well it is known which player they are."""
        found: Counter[Grade] = Counter()
        for one in self.members:
            proven = one.source is not None and one.source.is_proof
            found[_grade(one.source, one.confidence, proven=proven) or Grade.UNKNOWN] += one.count
        return found

    def graded_players(self) -> Counter[Grade]:
        """Count the players with a member who is here by how well they are known; the others are unknown."""
        found: Counter[Grade] = Counter()
        for one in self.players:
            grade = _grade(one.source, one.confidence, proven=one.proven) if one.here else None
            found[grade or Grade.UNKNOWN] += one.count
        return found

    @property
    def opted_out(self) -> int:
        """Count the members whom no rule may match."""
        return sum(one.count for one in self.members if one.opted_out)


def by_way(counts: Iterable[CharacterCount | MemberCount | PlayerCount]) -> dict[Way, int]:
    """Count what is linked by source and confidence, the strongest first."""
    found: Counter[Way] = Counter()
    for one in counts:
        if one.source is not None and one.confidence is not None:
            found[one.source, one.confidence] += one.count
    grades = list(Confidence)
    return {way: found[way] for way in sorted(found, key=lambda way: (-way[0].strength, grades.index(way[1])))}


async def load(ctx: Context, server_id: int) -> Coverage:
    """Count what is linked, in a fixed number of statements; raises FollowsNoGuild where there is nothing to count."""
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        links = await verdicts.by_rule(session, server_id)
        return Coverage(
            guild.name,
            tuple(await coverage.characters(session, server_id, guild.id)),
            tuple(await coverage.members(session, server_id)),
            tuple(await coverage.players(session, server_id, guild.id)),
            await coverage.waiting(session, server_id),
            links,
            await coverage.suggestion_verdicts(session, server_id),
            suggesting(links),
            await ranks.ranks(session, server_id, guild.id),
        )


def _grade(source: Source | None, confidence: Confidence | None, *, proven: bool) -> Grade | None:
    """Grade a half; None for what is not linked."""
    if source is None:
        return None
    if proven:
        return Grade.PROVEN
    if source.is_by_person:
        return Grade.WORD
    return Grade.HIGH if confidence is Confidence.HIGH else Grade.MEDIUM
