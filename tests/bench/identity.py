"""Identity: what matching finds in labelled cases, by the scorer that comes with them, beside what it is to reach.

Cases and scorer are other people's data: they are read where they lie (MUSTER_SHARED, or `shared` beside the checkout).
"""

import importlib.util
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from bot import casefile
from domain.matching import match
from tests.bench.figures import Figure

ROOT = Path(__file__).resolve().parents[2]
INPUT = ("server", "ranks", "characters", "members")
"""What a matcher may see of a case."""
WORK = "identity"


async def measure(_url: str) -> list[Figure]:
    """Match every labelled case; without the folder of cases say so, or fail where everything must be there."""
    shared = Path(os.environ.get("MUSTER_SHARED") or ROOT.parent / "shared") / "identity"
    if not shared.is_dir():
        told = f"identity: not run: no labelled cases at {shared}; set MUSTER_SHARED"
        if os.environ.get("MUSTER_REQUIRE_ALL") == "1":
            raise RuntimeError(told)
        print(told, file=sys.stderr)
        return []
    scorer = _scorer(shared / "score.py")
    counts: Counter[str] = Counter()
    cases = 0
    for case in _cases(shared / "dev"):
        counts += scorer.count(case, _outcome(case))
        cases += 1
    return _figures(scorer.report(counts, cases))


def _scorer(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", file)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{file} cannot be loaded")
    scorer = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # the folder is not ours to write to
    try:
        spec.loader.exec_module(scorer)
    finally:
        sys.dont_write_bytecode = before
    return scorer


def _cases(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.json")):
        yield json.loads(file.read_text(encoding="utf-8"))


def _outcome(case: dict[str, Any]) -> dict[str, Any]:
    named = casefile.parse(json.dumps({name: case[name] for name in INPUT}).encode())
    return casefile.answer(named, match(named.case))


def _figures(report: dict[str, Any]) -> list[Figure]:
    precision, recall, suggestions = report["precision"], report["recall"], report["suggestions"]
    by_confidence, false = report["links_by_confidence"], report["false_links"]
    to_read = suggestions["count"] - suggestions["unlinked_linkable"]
    return [
        Figure(WORK, "cases", report["cases"]),
        Figure(WORK, "characters", report["characters"]),
        Figure(WORK, "characters with evidence of an owner", report["linkable"]),
        Figure(WORK, "links, high", by_confidence["high"]),
        Figure(WORK, "links, medium", by_confidence["medium"]),
        Figure(WORK, "right, of high links", _percent(precision["high"]), "%", at_least=99.8),
        Figure(WORK, "right, of all links", _percent(precision["all"]), "%", at_least=99.5),
        Figure(WORK, "wrong links", false["all"]),
        Figure(WORK, "links where two people fit", false["ambiguous"], at_most=0),
        Figure(WORK, "linked, of equal names", _percent(recall["exact"]), "%", at_least=99),
        Figure(WORK, "linked, of notes that name a member", _percent(recall["note"]), "%", at_least=96),
        Figure(WORK, "linked, of notes that lead over characters", _percent(recall["chain"]), "%", at_least=95),
        Figure(WORK, "linked, of similar names", _percent(recall["fuzzy"]), "%"),
        Figure(
            WORK,
            "pairs of alts put together, of those written down",
            _percent(report["grouping"]["pair_recall_evident"]),
            "%",
            at_least=95,
        ),
        Figure(WORK, "pairs put together that are alts", _percent(report["grouping"]["pair_precision"]), "%"),
        Figure(
            WORK,
            "owner among the first three suggested",
            _percent(suggestions["hit_rate_at_3"]),
            "%",
            at_least=90,
        ),
        Figure(WORK, "suggestions", suggestions["count"]),
        Figure(
            WORK,
            "needless suggestions per unlinked character",
            to_read / max(1, report["characters"] - report["links"]),
            at_most=0.25,
        ),
    ]


def _percent(share: float | None) -> float:
    """Give a share in percent; one of nothing is whole."""
    return 100.0 if share is None else share * 100
