"""No server starves and no limit of Battle.net is passed, however many servers one process holds."""

from pathlib import Path

import pytest

from tests.soak.day import DAYS, PER_HOUR, PER_SECOND, live_two_days

pytestmark = pytest.mark.soak

ROSTERS_A_DAY = 4
ROSTER_HOURS = 6.0
PROFILE_HOURS = 24.0
SLACK_HOURS = 0.5
PROFILES_AN_HOUR = PER_HOUR - 2 * (PER_HOUR // 36)
"""What is left for profiles when people and rosters have their share."""


def test_two_days_of_many_servers_starves_none_and_passes_no_limit(
    database: str, servers: int, seed: int, figures_file: Path | None, capsys: pytest.CaptureFixture[str]
) -> None:
    report = live_two_days(database, servers=servers, seed=seed)
    with capsys.disabled():
        print(f"\ntwo days of {servers} servers, seed {seed}\n{report}")
    if figures_file is not None:
        report.write(figures_file)
    assert report.most_calls_in_an_hour <= PER_HOUR
    assert report.most_calls_in_a_second <= PER_SECOND
    assert "429" not in report.statuses
    assert report.profiles_unread == 0
    assert report.fewest_rosters >= ROSTERS_A_DAY * DAYS
    assert report.worst_roster_wait <= ROSTER_HOURS + SLACK_HOURS
    # A profile that comes of age waits for the next look, and then for all that came of age before it.
    queue_hours = report.characters / PROFILES_AN_HOUR
    assert report.worst_profile_wait <= PROFILE_HOURS + queue_hours + SLACK_HOURS
    assert not [kind for kind in report.runs if kind.endswith((" error", " running"))]
