"""Figures and how they are shown."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

VERDICTS = {True: "reached", False: "[bold red]missed[/]", None: ""}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `at_least` and `at_most` are what it is to reach, where that is decided."""

    work: str
    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def goal(self) -> str:
        """Say what is to be reached, "" where nothing is decided."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}"

    @property
    def reached(self) -> bool | None:
        """Tell whether the number is as good as decided, None where nothing is."""
        if not self.goal:
            return None
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


def show(figures: Iterable[Figure]) -> None:
    """Print a table."""
    table = Table("work", "figure", "value", "to reach", "")
    for figure in figures:
        verdict = VERDICTS[figure.reached]
        value = f"{figure.value:,.2f}".rstrip("0").rstrip(".")
        table.add_row(figure.work, figure.name, f"{value} {figure.unit}".strip(), figure.goal, verdict)
    Console().print(table)


def write(figures: Iterable[Figure], file: Path) -> None:
    """Write the figures as JSON."""
    rows = [asdict(figure) | {"reached": figure.reached} for figure in figures]
    file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
