"""The card of `/link coverage`, and the chart in it."""

from collections import Counter
from collections.abc import Sequence

import discord
from discord import ui

from bot.services import charts
from bot.services.charts import Bar, Series, StackedBars
from bot.services.coverage import Counts, Coverage, Grade, SuggestionVerdicts, by_way
from cogs.common.cards import card
from cogs.common.paginator import fit_lines
from cogs.common.texts import and_more
from cogs.link import coverage_texts as texts
from domain.evidence import RULES
from domain.ranks import rank_label

PICTURE = "coverage.png"
DESCRIPTION_LIMIT = 1024
RULES_LIMIT = 1600
COLOURS = {
    Grade.PROVEN: charts.GREEN,
    Grade.WORD: charts.GOLD,
    Grade.HIGH: charts.BLUE,
    Grade.MEDIUM: charts.DARK_BLUE,
    Grade.SUGGESTED: charts.AMBER,
    Grade.UNKNOWN: charts.BORDER,
}
UNLINKED = frozenset({Grade.SUGGESTED, Grade.UNKNOWN})


def chart_of(found: Coverage) -> StackedBars:
    """Make what is drawn: a bar each for characters, members, players, and the characters of every rank."""
    rows = [(label, "", counts) for label, counts in _rows(found)]
    rows += [
        (rank.label, rank_label(rank.index, None), found.graded_characters(rank.index))
        for rank in found.ranks
        if rank.characters
    ]
    grades = [grade for grade in Grade if any(counts[grade] for _, _, counts in rows)]
    return StackedBars(
        series=tuple(Series(texts.GRADES[grade], COLOURS[grade]) for grade in grades),
        bars=tuple(
            Bar(label, tuple(counts[grade] for grade in grades), plain, gap=place == len(_rows(found)))
            for place, (label, plain, counts) in enumerate(rows)
        ),
        sides=tuple(texts.share(_known(counts), counts.total()) for _, _, counts in rows),
    )


def coverage_card(found: Coverage) -> ui.LayoutView:
    """Show the picture, attached as PICTURE, and the numbers."""
    rows = _rows(found)
    described = texts.described([(label, _known(counts), counts.total()) for label, counts in rows])
    picture = discord.MediaGalleryItem(f"attachment://{PICTURE}", description=described[:DESCRIPTION_LIMIT])
    ways = (by_way(found.characters), by_way(found.members), by_way(found.players))
    numbers = [
        texts.linked(label, _known(counts), counts.total(), way)
        for (label, counts), way in zip(rows, ways, strict=True)
    ]
    players = found.graded_players()
    proof = texts.proof(players[Grade.PROVEN], found.opted_out, players[Grade.UNKNOWN])
    return card(
        texts.title(found.guild_name),
        ui.MediaGallery(picture),
        "\n".join([*numbers, proof]),
        texts.waiting(found.waiting),
        "\n".join([texts.RULES_TITLE, *_rules(found)]),
    )


def _rows(found: Coverage) -> list[tuple[str, Counter[Grade]]]:
    return [
        (texts.CHARACTERS, found.graded_characters()),
        (texts.MEMBERS, found.graded_members()),
        (texts.PLAYERS, found.graded_players()),
    ]


def _known(counts: Counter[Grade]) -> int:
    return sum(count for grade, count in counts.items() if grade not in UNLINKED)


def _rules(found: Coverage) -> Sequence[str]:
    names = [name for name in RULES if name in found.links or name in found.suggestions]
    names += sorted((found.links.keys() | found.suggestions.keys()) - set(names))
    lines = [
        texts.rule(
            name,
            found.links.get(name, Counts(0, 0, 0)),
            found.suggestions.get(name, SuggestionVerdicts(0, 0)),
            only_suggests=name in found.only_suggesting,
        )
        for name in names
    ]
    shown, more = fit_lines(lines, RULES_LIMIT)
    return [*shown, *([and_more(more)] if more else [])] or [texts.NO_VERDICTS]
