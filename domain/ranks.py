"""Ranks: what a rank is called, who has it, and which Discord roles may stand for one."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

LOWEST_RANK: Final = 9
"""Ranks run from 0, the guild master, to this."""


class RankTruth(StrEnum):
    """Name what decides a member's rank role: the game, or nobody, so that differences are only reported."""

    GAME = "game"
    REPORT_ONLY = "report-only"


def rank_label(index: int, name: str | None) -> str:
    """Give a rank's own name, or its number where the guild's name for it is not known."""
    return name or f"Rank {index}"


def player_rank(proven: Iterable[int], override: int | None = None) -> int | None:
    """Give a player's rank: an officer's override, else the best of their proven characters; None without either."""
    return override if override is not None else min(proven, default=None)


def admits(minimum: int, rank: int | None) -> bool:
    """Tell whether a minimum rank lets somebody of a rank in; 0 is the highest."""
    return rank is not None and rank <= minimum
