"""When a failure is told: three in a row that last an hour, once, and its end once."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.outage import FAILURES, LASTS, Streak, Word, word_for

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "minutes", "told", "word"),
    [
        (FAILURES, 60, False, Word.FAILING),
        (50, 600, False, Word.FAILING),
        (FAILURES - 1, 600, False, None),
        (6, 59, False, None),
        (50, 600, True, None),
        (1, 5, True, None),
        (0, None, True, Word.OVER),
        (0, None, False, None),
    ],
)
def test_a_failure_is_told_once_when_it_lasts_and_its_end_once(
    failures: int, minutes: int | None, told: bool, word: Word | None
) -> None:
    since = None if minutes is None else NOW - timedelta(minutes=minutes)
    assert word_for(Streak(failures, since, "no answer"), now=NOW, told=told) is word


def test_an_hour_of_maintenance_asked_every_ten_minutes_is_one_message_and_its_end_another() -> None:
    told, words = False, []
    for minute in range(0, 300, 10):
        failures = minute // 10 + 1 if minute < 240 else 0
        since = NOW if failures else None
        word = word_for(Streak(failures, since), now=NOW + timedelta(minutes=minute), told=told)
        if word is not None:
            words.append((minute, word))
            told = word is Word.FAILING
    assert words == [(LASTS.seconds // 60, Word.FAILING), (240, Word.OVER)]
