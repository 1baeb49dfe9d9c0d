"""Charts: pictures that are what they say, on a machine of any fonts and settings."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bot.services import charts
from bot.services.charts import Bar, Column, Series, StackedBars, StackedColumns

SERIES = (Series("proven", charts.GREEN), Series("unknown", charts.BORDER))


def chart(*bars: Bar) -> StackedBars:
    return StackedBars(SERIES, bars, tuple(f"{bar.total}" for bar in bars))


def pixels(png: bytes) -> np.ndarray:
    """Give a picture as rows of pixels of three colours, from 0 to 1."""
    import matplotlib.image

    return np.asarray(matplotlib.image.imread(io.BytesIO(png), format="png"))[:, :, :3]


def has_colour(picture: np.ndarray, colour: str) -> bool:
    wanted = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return bool((np.abs(picture - wanted).max(axis=2) < 0.02).any())


def test_a_chart_is_a_dark_picture_with_a_colour_for_each_series_that_counts_anything() -> None:
    picture = pixels(charts.stacked_bars(chart(Bar("Characters", (3, 1)), Bar("Members", (2, 2)))))

    height, width, _ = picture.shape
    assert width == 1200
    assert 150 < height < 300
    assert has_colour(picture, charts.GREEN)
    assert has_colour(picture, charts.BACKGROUND)
    assert picture.mean() < 0.5


def test_a_bar_is_divided_by_its_counts() -> None:
    def greens(*counts: int) -> int:
        picture = pixels(charts.stacked_bars(chart(Bar("", counts))))
        wanted = np.array([int(charts.GREEN[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        return int((np.abs(picture - wanted).max(axis=2) < 0.02).any(axis=0)[300:].sum())

    assert greens(3, 1) == pytest.approx(3 * greens(1, 3), rel=0.1)
    assert greens(0, 4) == 0
    assert greens(0, 0) == 0


def test_ten_ranks_more_make_a_higher_picture_that_discord_still_shows_whole() -> None:
    bars = (Bar("Characters", (3, 1)), *(Bar(f"Rank {rank}", (rank, 1), gap=rank == 0) for rank in range(10)))

    height, _, _ = pixels(charts.stacked_bars(chart(*bars))).shape

    assert 600 < height < 900


@pytest.mark.parametrize(
    "name", ["길드장", "公会会长", "Officer 🐉", "$x_{1}$", "$", "W" * 32, "", "Гильдмастер", "\x07"]
)
def test_a_rank_of_any_name_is_drawn_without_a_missing_letter_or_a_formula(name: str) -> None:
    """A letter that the font lacks is a warning of matplotlib's, and here an error."""
    assert charts.stacked_bars(chart(Bar(name, (1, 1), "Rank 3"))).startswith(b"\x89PNG")


def test_a_name_that_the_font_lacks_gives_way_to_the_plain_label() -> None:
    plain = charts.stacked_bars(chart(Bar("3", (1, 1))))

    assert charts.stacked_bars(chart(Bar("길드장", (1, 1), "3"))) == plain
    assert charts.stacked_bars(chart(Bar("길드장", (1, 1), "4"))) != plain


def test_a_label_that_is_too_long_is_cut_and_not_run_over_the_edge() -> None:
    picture = pixels(charts.stacked_bars(chart(Bar("W" * 32, (1, 1)))))

    assert has_colour(picture[:, 20:280], charts.BRIGHT)
    assert not has_colour(picture[:, :10], charts.BRIGHT)


def test_matplotlib_is_loaded_by_the_first_chart_alone_and_leaves_no_file_and_no_setting(tmp_path: Path) -> None:
    program = """
import os, sys
from bot.services import charts
assert "matplotlib" not in sys.modules
chart = charts.StackedBars((charts.Series("a", "#ffffff"),), (charts.Bar("b", (1,)),), ("1",))
assert charts.stacked_bars(chart).startswith(b"\\x89PNG")
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
assert "MPLCONFIGDIR" not in os.environ
"""
    home, temp = tmp_path / "home", tmp_path / "temp"
    home.mkdir()
    temp.mkdir()
    environment = {"HOME": str(home), "TMPDIR": str(temp), "PATH": os.environ["PATH"]}
    root = Path(charts.__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=root, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert [*home.rglob("*"), *temp.rglob("*")] == []


def columns(*counts: tuple[int, int]) -> StackedColumns:
    return StackedColumns(SERIES, tuple(Column(f"{number} Nov", pair) for number, pair in enumerate(counts, 1)))


def test_columns_are_as_high_as_their_counts_whatever_the_highest_is() -> None:
    def heights(*counts: tuple[int, int]) -> list[int]:
        picture = pixels(charts.stacked_columns(columns(*counts)))
        wanted = np.array([int(charts.GREEN[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        found = (np.abs(picture - wanted).max(axis=2) < 0.02)[100:]
        return [int(part.sum(axis=0).max()) for part in np.array_split(found, len(counts), axis=1)]

    high, low = heights((4_000, 0), (1_000, 0))
    assert high == pytest.approx(4 * low, rel=0.05)
    assert heights((0, 3), (0, 1)) == [0, 0]


@pytest.mark.parametrize("counts", [[(0, 0)], [(1, 0)], [(10**7, 10**7)] * 8])
def test_columns_of_nothing_and_of_millions_are_a_picture_that_a_phone_shows_whole(
    counts: list[tuple[int, int]],
) -> None:
    height, width, _ = pixels(charts.stacked_columns(columns(*counts))).shape
    assert (width, height) == (1200, 520)
