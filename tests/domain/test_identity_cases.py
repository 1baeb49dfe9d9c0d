"""What matching finds in the labelled cases, by the scorer that comes with them; both are read where they lie."""

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from domain.identity import Case, Character, Member, Outcome
from domain.matching import match

Report = dict[str, Any]


@pytest.fixture(scope="module")
def report(shared: Path) -> Report:
    scorer = load_scorer(shared / "identity" / "score.py")
    counts: Counter[str] = Counter()
    files = sorted((shared / "identity" / "dev").glob("*.json"))
    for file in files:
        case = json.loads(file.read_text("utf-8"))
        counts += scorer.count(case, written(match(read(case))))
    found: Report = scorer.report(counts, len(files))
    return found


def load_scorer(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", file)
    assert spec is not None
    assert spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # the folder is not ours to write to
    try:
        spec.loader.exec_module(scorer)
    finally:
        sys.dont_write_bytecode = before
    return scorer


def read(case: dict[str, Any]) -> Case:
    """Take from a case what a matcher may see."""
    return Case(
        tuple(
            Character(
                line["id"],
                line["name"],
                line["realm_slug"],
                line["class_id"],
                line["rank"],
                line["guild_note"],
                line["officer_note"],
            )
            for line in case["characters"]
        ),
        tuple(
            Member(int(line["id"]), line["username"], line["global_name"], line["nick"])
            for line in case["members"]
            if not line["bot"]
        ),
    )


def written(found: Outcome) -> dict[str, Any]:
    """Give an outcome as the scorer reads it."""
    return {
        "links": [
            {"character": link.character_id, "member": str(link.user_id), "confidence": link.confidence.value}
            for link in found.links
        ],
        "groups": [list(group) for group in found.groups],
        "suggestions": [
            {"character": one.character_id, "candidates": [str(candidate.user_id) for candidate in one.candidates]}
            for one in found.suggestions
        ],
    }


def test_links_are_right(report: Report) -> None:
    assert report["precision"]["high"] >= 0.998
    assert report["precision"]["all"] >= 0.995


def test_nobody_is_linked_where_two_people_fit_or_to_a_guest_or_by_a_stale_note(report: Report) -> None:
    false = report["false_links"]
    assert [false[kind] for kind in ("ambiguous", "to_guest_or_bot", "stale_note_followed", "invalid_ids")] == [0] * 4


@pytest.mark.parametrize(("kind", "least"), [("exact", 0.99), ("note", 0.96), ("chain", 0.95)])
def test_what_the_evidence_carries_is_linked(report: Report, kind: str, least: float) -> None:
    assert report["recall"][kind] >= least


def test_characters_that_are_tied_in_writing_are_put_together(report: Report) -> None:
    assert report["grouping"]["pair_recall_evident"] >= 0.95


def test_suggestions_hold_the_owner_and_are_few(report: Report) -> None:
    suggestions = report["suggestions"]
    assert suggestions["hit_rate_at_3"] >= 0.90
    needless = suggestions["count"] - suggestions["unlinked_linkable"]
    assert needless / (report["characters"] - report["links"]) < 0.25
