"""No end-to-end test goes unjudged."""

import re
from pathlib import Path

import pytest

from sandbox.discord import Exchange
from tests.e2e.conftest import Home
from tests.e2e.refereed import RefereedStage
from tests.e2e.small import small_guild

TESTS = Path(__file__).resolve().parents[1]
UNJUDGED = re.compile(r"\b(?:Stage|DiscordStandIn)\(")


async def test_a_violation_fails_at_the_end_of_the_stage_and_is_told_once(shared: Path) -> None:
    with pytest.raises(AssertionError, match=r"GET /nothing is not in the document"):
        async with RefereedStage(small_guild()) as stage:
            stage.recorded.append(Exchange("GET", "/nothing", {}, None, 200, None))
    stage.judge()


async def test_a_test_that_failed_is_not_judged_on_top() -> None:
    async def failing() -> None:
        async with RefereedStage(small_guild()) as stage:
            stage.recorded.append(Exchange("GET", "/nothing", {}, None, 200, None))
            raise LookupError("the test's own failure")

    with pytest.raises(LookupError):
        await failing()


async def test_without_discords_documents_the_judgement_is_reported_as_not_run(
    stage: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUSTER_SHARED", str(tmp_path / "nowhere"))
    for everything, outcome in (("0", pytest.skip.Exception), ("1", pytest.fail.Exception)):
        monkeypatch.setenv("MUSTER_REQUIRE_ALL", everything)
        with pytest.raises(outcome, match="not run: the folder of real data"):
            stage.judge()
    monkeypatch.undo()


@pytest.mark.parametrize("folder", ["e2e", "soak"])
def test_every_stage_is_a_refereed_one(folder: str) -> None:
    unjudged = [file.name for file in (TESTS / folder).rglob("*.py") if UNJUDGED.search(file.read_text())]
    assert unjudged == []
