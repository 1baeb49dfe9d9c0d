"""Texts of `/link coverage`."""

from collections.abc import Mapping, Sequence

from bot.services.coverage import Counts, Grade, SuggestionVerdicts, WaitingCounts
from cogs.common.text import count_of, escape
from cogs.common.texts import SOURCES, and_more
from domain.evidence import RULES
from domain.links import Confidence, Source

COMMAND = "How much is linked, by what, and how far the rules can be trusted."
COUNTING = "Counting…"
DRAWING = "Drawing…"

CHARACTERS = "Characters"
MEMBERS = "Members"
PLAYERS = "Players"
GRADES = {
    Grade.PROVEN: "proven",
    Grade.WORD: "said, unproven",
    Grade.HIGH: "inferred, high",
    Grade.MEDIUM: "inferred, medium",
    Grade.SUGGESTED: "suggested",
    Grade.UNKNOWN: "unknown",
}
NOBODY_YET = "nothing linked yet"
WAYS_LIMIT = 10
NO_VERDICTS = "No rule has linked anything yet, and nobody has judged a suggestion."
RULES_TITLE = "**Rules: what people said of their links**"
CONFIDENCES = {Confidence.HIGH: "", Confidence.MEDIUM: " (medium)", Confidence.LOW: " (low)"}


def title(guild: str) -> str:
    """Head the card."""
    return f"## Who is who in {escape(guild)}"


def share(known: int, total: int) -> str:
    """Say how much of a bar is linked."""
    return f"{percent(known, total)} of {total:,}"


def percent(part: int, total: int) -> str:
    """Give a share in whole percents; all and none only where it is so."""
    if not total or part in (0, total):
        return f"{100 if total and part else 0} %"
    return f"{min(99, max(1, round(100 * part / total)))} %"


def described(known: Sequence[tuple[str, int, int]]) -> str:
    """Say what the picture shows, for who cannot see it."""
    bars = "; ".join(f"{label} {share(part, total)}" for label, part, total in known)
    return f"Bars of how much is linked. {bars}."


def linked(what: str, known: int, total: int, ways: Mapping[tuple[Source, Confidence], int]) -> str:
    """Say how many of something are linked, and by what."""
    by = [f"{SOURCES[source]}{CONFIDENCES[confidence]} {count:,}" for (source, confidence), count in ways.items()]
    rest = [and_more(len(by) - WAYS_LIMIT)] if len(by) > WAYS_LIMIT else []
    told = ", ".join([*by[:WAYS_LIMIT], *rest]) or NOBODY_YET
    return f"**{what}**: {known:,} of {total:,} linked ({percent(known, total)})\n-# {told}"


def proof(proven: int, opted_out: int, alone: int) -> str:
    """Say how many count for ranks and roles, and who is left out of the counts' promise."""
    parts = [f"{count_of(proven, 'player')} proven: only those count for ranks and roles"]
    if alone:
        parts.append(f"{count_of(alone, 'player')} without a member who is here")
    if opted_out:
        parts.append(f"{count_of(opted_out, 'member')} opted out")
    return " · ".join(parts)


def waiting(counts: WaitingCounts) -> str:
    """Say what waits for an officer, and what notes tie together."""
    lines = [f"**Waiting**: {count_of(counts.suggestions, 'suggestion')}" + ("" if counts.suggestions else ".")]
    if counts.suggestions:
        lines[0] += " – decide with `/link review`."
    if counts.would_link:
        lines.append(f"{counts.would_link:,} of them would be links if this server let the rules: `/link match`.")
    if counts.claims:
        lines.append(f"{count_of(counts.claims, 'claim')} by members: `/player claims`.")
    if counts.groups:
        groups = count_of(counts.groups, "alt group")
        lines.append(f"{groups} with {count_of(counts.grouped, 'character')}: tied by notes, of an unknown player.")
    if counts.contradictions:
        links = count_of(counts.contradictions, "link")
        lines.append(f"{links} that a note or a name speaks against: `/audit report`.")
    return "\n".join(lines)


def rule(name: str, counts: Counts, suggested: SuggestionVerdicts, *, only_suggests: bool) -> str:
    """Say what people said of a rule's links and suggestions."""
    title = RULES[name].title if name in RULES else name
    links = f"{count_of(counts.made, 'link')}, {counts.confirmed:,} confirmed, {counts.rejected:,} rejected"
    words = f" ({percent(counts.rejected, counts.made)})" if counts.rejected else ""
    asked = suggested.confirmed + suggested.rejected
    picks = f" · of {count_of(asked, 'suggestion')} {suggested.confirmed:,} taken" if asked else ""
    falls_back = "\n  ⚠️ People rejected over 2 % of its links: it only suggests now." if only_suggests else ""
    return f"- {escape(title)}: {links}{words}{picks}{falls_back}"
