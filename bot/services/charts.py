"""Charts as pictures. Their functions are pure and heavy: call them in the worker process alone, `Context.compute`.

matplotlib is loaded at the first chart: it costs 60 MB and half a second.
"""

import io
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Final

MODULES: Final = tuple(
    f"matplotlib.{name}" for name in ("backends.backend_agg", "figure", "font_manager", "ft2font", "patches")
)
DPI: Final = 100
WIDTH: Final = 12.0
"""Inches: 1,200 pixels. A phone shows a third of them, so no text is smaller than 25 pixels."""
ROW: Final = 0.54
FRAME: Final = 1.15
LABELS: Final = 0.235
"""The part of the width that labels stand in."""
TEXT: Final = 19
LEGEND_COLUMNS: Final = 3

BACKGROUND: Final = "#141416"
TRACK: Final = "#1e1e22"
BORDER: Final = "#3a3a3e"
GOLD: Final = "#d4a84b"
BRIGHT: Final = "#e8e8e8"
DIM: Final = "#9a9a9a"
GREEN: Final = "#4ade80"
BLUE: Final = "#60a5fa"
DARK_BLUE: Final = "#2f5f9e"
AMBER: Final = "#fbbf24"
RED: Final = "#f87171"
DARK_RED: Final = "#b91c1c"

SIDES: Final = 0.17
"""The part of the width that is left for what is said at the ends of the bars."""
INSIDE: Final = 0.06
"""The least part of a bar's length into which its number fits."""
COLUMNS_HEIGHT: Final = 5.2
COLUMN_FRAME: Final = 0.62
"""Inches below columns, for their labels."""


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of what is counted, with its colour as #rrggbb."""

    label: str
    colour: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a count for each series, in their order. `plain` is its label where the font lacks a letter of it.

    `gap` sets it apart from the bar above.
    """

    label: str
    counts: tuple[int, ...]
    plain: str = ""
    gap: bool = False

    @property
    def total(self) -> int:
        """Give the sum of the counts."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class StackedBars:
    """A chart of bars of one length each, divided into the parts of their series; `sides` are said at their ends."""

    series: tuple[Series, ...]
    bars: tuple[Bar, ...]
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a count for each series, in their order; its label is of letters that every font has."""

    label: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StackedColumns:
    """A chart of columns that stand side by side, as high as their counts, the first series at the bottom."""

    series: tuple[Series, ...]
    columns: tuple[Column, ...]


def stacked_bars(chart: StackedBars) -> bytes:
    """Draw stacked bars; give a PNG, 1,200 pixels wide and about 700 high for ten bars."""
    places = _places(chart.bars)
    height = FRAME + ROW * (places[-1] + 1 if places else 1)
    figure = _figure(height)
    axes = figure.add_axes((LABELS, 0.02, 0.99 - LABELS - SIDES, 1 - FRAME / height), facecolor=BACKGROUND)
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim((places[-1] if places else 0) + 0.6, -0.6)
    for bar, place, side in zip(chart.bars, places, chart.sides, strict=True):
        _draw(axes, bar, place, chart.series)
        label = _shown(bar.label, bar.plain)
        _cut(
            axes.text(-0.015, place, label, ha="right", va="center", color=BRIGHT, fontsize=TEXT, parse_math=False),
            (LABELS - 0.02) * WIDTH * DPI,
        )
        axes.text(1.015, place, side, ha="left", va="center", color=DIM, fontsize=TEXT)
    _add_legend(figure, chart.series, height)
    return _png(figure)


def stacked_columns(chart: StackedColumns) -> bytes:
    """Draw stacked columns with their totals above them; give a PNG of 1,200 by 520 pixels."""
    figure = _figure(COLUMNS_HEIGHT)
    bottom, top = COLUMN_FRAME / COLUMNS_HEIGHT, 1 - FRAME / COLUMNS_HEIGHT
    axes = figure.add_axes((0.02, bottom, 0.96, top - bottom), facecolor=BACKGROUND)
    axes.set_axis_off()
    axes.set_xlim(-0.6, len(chart.columns) - 0.4)
    highest = max((sum(column.counts) for column in chart.columns), default=0) or 1
    axes.set_ylim(0, highest)
    axes.axhline(0, color=BORDER, linewidth=2, clip_on=False)
    for place, column in enumerate(chart.columns):
        height = 0
        for one, count in zip(chart.series, column.counts, strict=True):
            axes.bar(place, count, bottom=height, width=0.7, color=one.colour)
            height += count
        for text, at, colour, side in (
            (f"{height:,}", height + 0.02 * highest, BRIGHT, "bottom"),
            (column.label, -0.04 * highest, DIM, "top"),
        ):
            axes.text(place, at, text, ha="center", va=side, color=colour, fontsize=TEXT, parse_math=False)
    _add_legend(figure, chart.series, COLUMNS_HEIGHT)
    return _png(figure)


def _figure(height: float) -> Any:
    matplotlib = _matplotlib()
    figure = matplotlib.figure.Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=BACKGROUND)
    matplotlib.backends.backend_agg.FigureCanvasAgg(figure)
    return figure


def _add_legend(figure: Any, series: Sequence[Series], height: float) -> None:
    patch = _matplotlib().patches.Patch
    handles = [patch(facecolor=one.colour, edgecolor=BORDER) for one in series]
    figure.legend(
        handles,
        [one.label for one in series],
        loc="upper left",
        bbox_to_anchor=(0.01, 1 - 0.08 / height),
        ncols=LEGEND_COLUMNS if len(handles) > LEGEND_COLUMNS + 1 else max(1, len(handles)),
        frameon=False,
        fontsize=TEXT,
        labelcolor=BRIGHT,
        handlelength=1.0,
        handleheight=1.0,
        handletextpad=0.5,
        columnspacing=1.4,
    )


def _png(figure: Any) -> bytes:
    made = io.BytesIO()
    figure.savefig(made, format="png", dpi=DPI, facecolor=BACKGROUND)
    return made.getvalue()


def _places(bars: Sequence[Bar]) -> list[float]:
    """Give how far down each bar stands, in bars."""
    places: list[float] = []
    for bar in bars:
        places.append(0.0 if not places else places[-1] + (1.5 if bar.gap else 1.0))
    return places


def _draw(axes: Any, bar: Bar, place: float, series: Sequence[Series]) -> None:
    axes.barh(place, 1, height=0.7, color=TRACK, edgecolor=BORDER, linewidth=1)
    left = 0.0
    for one, count in zip(series, bar.counts, strict=True):
        part = count / bar.total if bar.total else 0
        if not part:
            continue
        axes.barh(place, part, left=left, height=0.7, color=one.colour)
        if part >= INSIDE:
            colour = BACKGROUND if _is_light(one.colour) else BRIGHT
            axes.text(left + part / 2, place, f"{count:,}", ha="center", va="center", color=colour, fontsize=TEXT)
        left += part


def _cut(text: Any, room: float) -> None:
    """Shorten a drawn text until it fits into so many pixels."""
    shown = text.get_text()
    while shown and text.get_window_extent().width > room:
        shown = shown[:-1]
        text.set_text(f"{shown.rstrip()}…")


def _is_light(colour: str) -> bool:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue > 128


def _shown(label: str, plain: str) -> str:
    """Give a label as it can be drawn: the font has no Han, no Hangul, no emoji."""
    font = _matplotlib().ft2font.FT2Font(_matplotlib().font_manager.findfont("DejaVu Sans"))
    return label if all(ord(char) in font.get_charmap() for char in label) else plain


@cache
def _matplotlib() -> ModuleType:
    """Load matplotlib with what the charts use; it keeps its cache of fonts in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="muster-charts-") as folder:
        before = os.environ.get("MPLCONFIGDIR")
        os.environ["MPLCONFIGDIR"] = folder
        try:
            for name in MODULES:
                import_module(name)
        finally:
            if before is None:
                del os.environ["MPLCONFIGDIR"]
            else:
                os.environ["MPLCONFIGDIR"] = before
    return import_module("matplotlib")
