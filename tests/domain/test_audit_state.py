from datetime import UTC, datetime, timedelta

import pytest

from domain.audit import State
from domain.audit_state import Live, Step, next_step

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER, BEFORE = NOW + timedelta(days=1), NOW - timedelta(days=1)
OPEN, NOTIFIED, IGNORED, RESOLVED = State.OPEN, State.NOTIFIED, State.IGNORED, State.RESOLVED


@pytest.mark.parametrize(
    ("case", "live", "detected", "step"),
    [
        ("nothing stands, nothing is found", None, None, Step.LEAVE),
        ("nothing stands, something is found", None, "a", Step.OPEN),
        ("an open one is found with other facts", Live(OPEN, "a"), "a", Step.UPDATE),
        ("a told one is found with other facts", Live(NOTIFIED, "a"), "a", Step.UPDATE),
        ("a told one is another problem by now", Live(NOTIFIED, "a"), "b", Step.RENEW),
        ("the cause of an open one is gone", Live(OPEN, "a"), None, Step.RESOLVE),
        ("the cause of a told one is gone", Live(NOTIFIED, "a"), None, Step.RESOLVE),
        ("an ignored one is found as it was", Live(IGNORED, "a"), "a", Step.UPDATE),
        ("an ignored one is found before its end", Live(IGNORED, "a", LATER), "a", Step.UPDATE),
        ("an ignored one is found after its end", Live(IGNORED, "a", BEFORE), "a", Step.RENEW),
        ("an ignored one ends this moment", Live(IGNORED, "a", NOW), "a", Step.RENEW),
        ("an ignored one is another problem by now", Live(IGNORED, "a", LATER), "b", Step.RENEW),
        ("the cause of an ignored one is gone", Live(IGNORED, "a", LATER), None, Step.RESOLVE),
        ("the cause of an ignored one is gone after its end", Live(IGNORED, "a", BEFORE), None, Step.RESOLVE),
        ("an ignored one's cause is back", Live(RESOLVED, "a", LATER), "a", Step.RESUME),
        ("an ignored one's cause is back, without an end", Live(RESOLVED, "a"), "a", Step.RESUME),
        ("an ignored one's cause is back after its end", Live(RESOLVED, "a", BEFORE), "a", Step.REPLACE),
        ("an ignored one's cause is back as another problem", Live(RESOLVED, "a"), "b", Step.REPLACE),
        ("what a person resolved is found still", Live(RESOLVED, "a", by_person=True), "a", Step.LEAVE),
        ("what a person resolved is another problem", Live(RESOLVED, "a", by_person=True), "b", Step.REPLACE),
        ("what a person resolved is gone", Live(RESOLVED, "a", by_person=True), None, Step.LEAVE),
        ("an older version of the rule told it otherwise", Live(NOTIFIED, "a", outdated=True), "b", Step.UPDATE),
        ("an ignored one was told otherwise", Live(IGNORED, "a", outdated=True), "b", Step.UPDATE),
        ("an ignored one was told otherwise, and ended", Live(IGNORED, "a", BEFORE, outdated=True), "b", Step.RENEW),
        ("an ignored one is back, told otherwise", Live(RESOLVED, "a", outdated=True), "b", Step.RESUME),
        ("a resolved one was told otherwise", Live(RESOLVED, "a", by_person=True, outdated=True), "b", Step.UPDATE),
        ("what an older version told is gone", Live(OPEN, "a", outdated=True), None, Step.RESOLVE),
    ],
)
def test_the_next_step_of_a_finding(case: str, live: Live | None, detected: str | None, step: Step) -> None:
    assert next_step(live, detected, NOW) is step, case


@pytest.mark.parametrize("state", [OPEN, NOTIFIED, IGNORED])
@pytest.mark.parametrize("until", [None, BEFORE, LATER])
def test_every_finding_closes_when_its_cause_is_gone(state: State, until: datetime | None) -> None:
    assert next_step(Live(state, "a", until), None, NOW) is Step.RESOLVE
