"""The loop: what is news for whom, when it is tried again, and what a restart finds."""

import errno
import logging
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from muster_companion import reading, run
from muster_companion.aside import AsideError
from muster_companion.config import Config, Guild, Target, change_config, load_config
from muster_companion.courier import ASK_AGAIN, KEY_PAUSE, LONGEST, SHORTEST, Courier, back_off
from muster_companion.errors import CompanionError
from muster_companion.exports import Export, read_exports
from muster_companion.gather import Gathered, gather
from muster_companion.keys import store_key
from muster_companion.places import Places, find_places
from muster_companion.run import Companion
from muster_companion.state import Store
from muster_companion.upload import Acknowledged, Client, KeyRefused, Refused, RetryLater
from tests.companion.game import Game, export, saved
from tests.companion.server import KEY, STATUS, Fault, Muster, drops, refuses, says, stores_and_drops

REF = "0123456789abcdef"
NIGHT_WATCH = Guild("eu", "Argent Dawn", "Night Watch")


@dataclass
class Time:
    """A clock that a test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def places() -> Places:
    return find_places()


@pytest.fixture
def courier(muster: Muster, places: Places, clock: Time) -> Courier:
    return new_courier(muster, places, clock)


def new_courier(muster: Muster, places: Places, clock: Time, *, guild: Guild = NIGHT_WATCH, key: str = KEY) -> Courier:
    target = Target(REF, muster.address, guild, in_keyring=False)

    def client(target: Target) -> Client:
        return Client(target.address, key, timeout=5)

    return Courier(target, Store(places.state), client, clock=clock, rng=random.Random(1))


def read(*exports: dict[str, object]) -> list[Export]:
    return list(read_exports(saved(*exports)).exports)


def ids(muster: Muster) -> list[str]:
    return [upload["export_id"] for upload in muster.stored]


def outcomes(courier: Courier, found: Iterable[Export]) -> list[object]:
    return [type(delivery.outcome) for delivery in courier.deliver(found)]


def test_an_export_is_sent_once(courier: Courier, muster: Muster) -> None:
    found = read(export(1))
    assert outcomes(courier, found) == [Acknowledged]
    assert courier.deliver(found) == []
    assert courier.pause(found) is None
    assert muster.stored == [export(1)]


def test_a_restart_uploads_nothing_again(courier: Courier, muster: Muster, places: Places, clock: Time) -> None:
    """A restart uploaded all again."""
    courier.deliver(read(export(1)))
    assert new_courier(muster, places, clock).deliver(read(export(1))) == []
    assert len(muster.stored) == 1


def test_what_was_stored_but_not_acknowledged_is_sent_once_more_with_the_same_id(
    courier: Courier, muster: Muster, clock: Time
) -> None:
    """The client gave up the file before the server had it."""
    muster.fail_next(stores_and_drops)
    found = read(export(1))
    assert outcomes(courier, found) == [RetryLater]
    clock.now += LONGEST
    assert outcomes(courier, found) == [Acknowledged]
    assert ids(muster) == [export(1)["export_id"]] * 2


def test_another_guilds_export_is_never_sent(courier: Courier, muster: Muster) -> None:
    assert courier.deliver(read(export(1, guild="Day Watch"))) == []
    assert muster.posts == []


def test_the_realm_is_left_to_the_server(courier: Courier, muster: Muster) -> None:
    assert outcomes(courier, read(export(1, realm="ArgentDawn"))) == [Acknowledged]
    muster.fail_next(refuses(409, "other_guild", "The key is for Night Watch on Argent Dawn."))
    assert outcomes(courier, read(export(2, realm="Silvermoon"))) == [Refused]


def test_tries_come_ever_later_and_never_all_at_once(courier: Courier, muster: Muster, clock: Time) -> None:
    found = read(export(1))
    muster.fail_next(*[drops] * 9)
    pauses = []
    for _ in range(9):
        courier.deliver(found)
        pause = courier.pause(found)
        assert pause is not None
        assert courier.deliver(found) == []
        pauses.append(pause)
        clock.now += pause
    assert SHORTEST <= pauses[0] <= 10
    assert all(pause <= LONGEST for pause in pauses)
    assert pauses[-1] >= LONGEST / 2
    assert pauses[:6] == sorted(pauses[:6])
    assert outcomes(courier, found) == [Acknowledged]
    assert len(muster.posts) == 10


def test_the_back_off_begins_at_5_seconds_ends_at_10_minutes_and_varies() -> None:
    rng = random.Random(7)
    waits = [[back_off(attempts, rng) for _ in range(50)] for attempts in (1, 2, 5, 8, 10_000)]
    assert all(SHORTEST <= wait <= LONGEST for some in waits for wait in some)
    assert max(waits[0]) <= 10
    assert min(waits[-1]) >= LONGEST / 2
    assert all(len(set(some)) > 40 for some in waits)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(courier: Courier, muster: Muster, clock: Time, status: int) -> None:
    muster.fail_next(refuses(status, "later", "Later.", Retry_After="900"))
    found = read(export(1))
    courier.deliver(found)
    clock.now += 899
    assert courier.deliver(found) == []
    clock.now += 3
    assert outcomes(courier, found) == [Acknowledged]


def test_a_short_retry_after_hurries_nobody(courier: Courier, muster: Muster, clock: Time) -> None:
    muster.fail_next(refuses(503, "unavailable", "Away.", Retry_After="0"))
    found = read(export(1))
    courier.deliver(found)
    pause = courier.pause(found)
    assert pause is not None
    assert pause >= SHORTEST


@pytest.mark.parametrize(
    "fault",
    [refuses(400, "bad_json", "No JSON."), refuses(413, "too_large", "Too large."),
     refuses(422, "invalid", "Wrong.", "rows[3].level")],
)  # fmt: skip
def test_a_refused_export_waits_for_another(
    courier: Courier, muster: Muster, clock: Time, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    muster.fail_next(fault)
    assert outcomes(courier, read(export(1))) == [Refused]
    clock.now += 10 * LONGEST
    assert courier.deliver(read(export(1))) == []
    assert "is refused" in courier.words
    assert courier.words in caplog.text
    assert outcomes(courier, read(export(2))) == [Acknowledged]
    assert courier.words == ""


def test_a_refused_key_is_tried_again_after_an_hour_only(
    muster: Muster, places: Places, clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    courier = new_courier(muster, places, clock, key="a-gone-key")
    found = read(export(1))
    assert outcomes(courier, found) == [KeyRefused]
    assert muster.posts == []
    clock.now += KEY_PAUSE - 1
    assert courier.deliver(found) == []
    assert courier.pause(found) == pytest.approx(1)
    clock.now += 1
    muster.key = "a-gone-key"
    assert outcomes(courier, found) == [Acknowledged]
    assert "setup" in caplog.text
    assert "a-gone-key" not in caplog.text


def test_a_key_that_is_revoked_later_is_noticed_at_the_upload(courier: Courier, muster: Muster) -> None:
    courier.deliver(read(export(1)))
    muster.key = "new"
    assert outcomes(courier, read(export(2))) == [KeyRefused]
    assert "The key for Night Watch (Argent Dawn, eu) is refused" in courier.words


def test_an_outage_is_said_once(
    courier: Courier, muster: Muster, clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    muster.fail_next(*[drops] * 5)
    for _ in range(5):
        courier.deliver(read(export(1)))
        clock.now += LONGEST
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_a_captive_portal_acknowledges_nothing(courier: Courier, muster: Muster, clock: Time) -> None:
    portal: list[Fault] = [
        says(200, b"<html>Welcome</html>"), says(302, b"", Location="http://127.0.0.1:9/login"), says(202, b"{}"),
    ]  # fmt: skip
    muster.fail_next(*portal)
    found = read(export(1))
    for _ in portal:
        assert outcomes(courier, found) == [RetryLater]
        clock.now += LONGEST
    assert outcomes(courier, found) == [Acknowledged]


def test_a_guild_that_was_renamed_is_learnt_from_the_server(courier: Courier, muster: Muster, clock: Time) -> None:
    courier.deliver(read(export(1)))
    muster.guild["name"] = "Dawn Watch"
    renamed = read(export(2, guild="Dawn Watch"))
    assert courier.deliver(renamed) == []
    clock.now += ASK_AGAIN
    assert outcomes(courier, renamed) == [Acknowledged]
    assert courier.target.guild.name == "Dawn Watch"


def test_a_refusal_for_another_guild_asks_whose_the_key_is_now(courier: Courier, muster: Muster) -> None:
    courier.deliver([])
    muster.guild["name"] = "Dawn Watch"
    muster.fail_next(refuses(409, "other_guild", "The key is for Dawn Watch."))
    assert outcomes(courier, read(export(1))) == [Refused]
    courier.deliver([])
    assert courier.target.guild.name == "Dawn Watch"
    assert "is refused" in courier.words


def test_a_key_that_cannot_be_read_is_tried_again(muster: Muster, places: Places, clock: Time) -> None:
    def client(target: Target) -> Client:
        raise CompanionError("The system's keyring does not give the key (KeyringLocked): unlock it.")

    target = Target(REF, muster.address, NIGHT_WATCH, in_keyring=True)
    courier = Courier(target, Store(places.state), client, clock=clock, rng=random.Random(1))
    assert outcomes(courier, read(export(1))) == [RetryLater]
    assert "unlock it" in courier.words
    assert courier.pause(read(export(1)))


def test_a_status_that_is_missing_stops_the_upload_and_is_asked_again(
    courier: Courier, muster: Muster, clock: Time
) -> None:
    muster.fail_next(refuses(404, "not_found", "No such page."), on=STATUS)
    found = read(export(1))
    assert outcomes(courier, found) == [Refused]
    assert "does not say what the key is for: No such page." in courier.words
    clock.now += LONGEST
    assert outcomes(courier, found) == [Acknowledged]


# The whole, without the loop: files, settings, keys and state are real, waiting is not.


@pytest.fixture
def game(tmp_path: Path) -> Game:
    return Game(tmp_path)


class NoPause:
    """Stand for a bell at which nobody waits."""

    ended = False

    def ring(self) -> None:
        pass

    def pause(self, seconds: float) -> None:
        pass


@pytest.fixture
def companion(muster: Muster, places: Places, game: Game, clock: Time) -> Companion:
    store_key(places, REF, KEY)
    target = Target(REF, muster.address, NIGHT_WATCH, in_keyring=False)
    change_config(places.config, lambda _: Config((target,), (game.folder,)))
    return new_companion(places, clock)


def new_companion(places: Places, clock: Time) -> Companion:
    return Companion(places, clock=clock, read=gather, bell=NoPause())


def go(companion: Companion) -> list[object]:
    companion.look()
    return [type(delivery.outcome) for _, delivery in companion.deliver()]


def test_of_two_accounts_with_the_same_guild_the_newest_wins(companion: Companion, muster: Muster, game: Game) -> None:
    game.write(export(2), account="100#1")
    game.write(export(1), account="200#2")
    assert go(companion) == [Acknowledged]
    game.write(export(3), account="200#2")
    assert go(companion) == [Acknowledged]
    assert ids(muster) == [export(2)["export_id"], export(3)["export_id"]]


def test_the_backup_serves_where_the_file_is_cut_off(companion: Companion, muster: Muster, game: Game) -> None:
    game.write(export(1))
    game.write(export(2))
    game.break_off()
    assert go(companion) == [Acknowledged]
    assert ids(muster) == [export(1)["export_id"]]
    assert "The backup beside it is used instead." in companion.gathered.problems[0]


def test_offline_and_then_online_only_the_newest_is_sent(
    companion: Companion, muster: Muster, game: Game, clock: Time
) -> None:
    muster.fail_next(*[drops] * 3, on=STATUS)
    for number in (1, 2, 3):
        game.write(export(number))
        assert go(companion) == [RetryLater]
        clock.now += LONGEST
    game.write(export(4))
    assert go(companion) == [Acknowledged]
    assert ids(muster) == [export(4)["export_id"]]


def test_files_that_did_not_change_are_not_read_again(
    places: Places, companion: Companion, game: Game, clock: Time
) -> None:
    reads = 0

    def counted(folders: tuple[Path, ...]) -> Gathered:
        nonlocal reads
        reads += 1
        return gather(folders)

    game.write(export(1))
    companion = Companion(places, clock=clock, read=counted, bell=NoPause())
    for _ in range(3):
        go(companion)
    assert reads == 1
    game.write(export(2))
    go(companion)
    assert reads == 2


def test_reading_that_fails_is_said_once_and_tried_again(
    places: Places, companion: Companion, game: Game, clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [AsideError("it ended with -9")] * 2

    def failing(folders: tuple[Path, ...]) -> Gathered:
        if failures:
            raise failures.pop()
        return gather(folders)

    game.write(export(1))
    companion = Companion(places, clock=clock, read=failing, bell=NoPause())
    assert [go(companion) for _ in range(3)] == [[], [], [Acknowledged]]
    assert caplog.text.count("it ended with -9") == 1


def test_a_file_that_a_virus_scanner_held_is_read_when_it_lets_go(
    companion: Companion, muster: Muster, game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(path: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, "The process cannot access the file", path)

    game.write(export(1))
    assert go(companion) == [Acknowledged]
    game.write(export(2))
    with monkeypatch.context() as scanning:
        scanning.setattr(reading, "OPENER", held)
        assert go(companion) == []
    assert go(companion) == [Acknowledged]
    assert ids(muster) == [export(1)["export_id"], export(2)["export_id"]]


def test_a_problem_of_a_file_is_said_once(companion: Companion, game: Game, caplog: pytest.LogCaptureFixture) -> None:
    game.write(export(1))
    game.break_off()
    go(companion)
    game.write(export(2), account="200#2")
    go(companion)
    assert caplog.text.count("is damaged") == 1


def test_new_settings_are_taken_over_while_it_runs(
    companion: Companion, muster: Muster, places: Places, game: Game, clock: Time
) -> None:
    game.write(export(1))
    muster.key = "rotated"
    assert go(companion) == [KeyRefused]
    assert go(companion) == []
    store_key(places, REF, "rotated")
    change_config(places.config, lambda now: now)
    assert go(companion) == [Acknowledged]


def test_settings_that_become_damaged_leave_the_old_ones_in_use(
    companion: Companion, muster: Muster, places: Places, game: Game, caplog: pytest.LogCaptureFixture
) -> None:
    go(companion)
    places.config.write_text("{")
    game.write(export(1))
    assert [go(companion), go(companion)] == [[Acknowledged], []]
    assert caplog.text.count("damaged") == 1


def test_new_settings_that_a_virus_scanner_held_are_taken_over_when_it_lets_go(
    companion: Companion, muster: Muster, places: Places, game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(file: Path) -> Config:
        raise CompanionError("The settings can't be read: Permission denied.")

    game.write(export(1))
    muster.key = "rotated"
    assert go(companion) == [KeyRefused]
    store_key(places, REF, "rotated")
    change_config(places.config, lambda now: now)
    with monkeypatch.context() as scanning:
        scanning.setattr(run, "load_config", held)
        assert go(companion) == []
    assert go(companion) == [Acknowledged]


def test_a_target_that_is_forgotten_gets_nothing_more(
    companion: Companion, muster: Muster, places: Places, game: Game
) -> None:
    go(companion)
    change_config(places.config, lambda now: now.without_target(REF))
    game.write(export(1))
    assert go(companion) == []
    assert muster.posts == []


def test_the_guild_that_the_server_tells_is_kept(companion: Companion, muster: Muster, places: Places) -> None:
    muster.guild["name"] = "Dawn Watch"
    go(companion)
    assert load_config(places.config).targets[0].guild.name == "Dawn Watch"
    assert companion.couriers[0].target == load_config(places.config).targets[0]


def test_each_guild_goes_to_its_own_target(companion: Companion, muster: Muster, places: Places, game: Game) -> None:
    other_ref = "f" * 16
    with Muster() as other:
        other.guild["name"] = "Day Watch"
        store_key(places, other_ref, KEY)
        target = Target(other_ref, other.address, Guild("eu", "Argent Dawn", "Day Watch"), in_keyring=False)
        change_config(places.config, lambda now: now.with_target(target))
        game.write(export(1), export(2, guild="Day Watch"), export(3, guild="Nobody's"))
        assert go(companion) == [Acknowledged, Acknowledged]
        assert ids(other) == [export(2)["export_id"]]
    assert ids(muster) == [export(1)["export_id"]]


def test_one_target_that_is_away_holds_up_no_other(
    companion: Companion, muster: Muster, places: Places, game: Game
) -> None:
    other_ref = "f" * 16
    store_key(places, other_ref, KEY)
    away = Target(other_ref, "http://127.0.0.1:9", Guild("eu", None, "Night Watch"), in_keyring=False)
    change_config(places.config, lambda now: Config((away, *now.targets), now.folders))
    game.write(export(1))
    assert go(companion) == [RetryLater, Acknowledged]


def test_the_games_files_stay_as_they_are(companion: Companion, game: Game) -> None:
    game.write(export(1))
    file = game.write(export(2))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in file.parent.iterdir()}
    go(companion)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in file.parent.iterdir()} == before


def test_a_state_that_cannot_be_written_uploads_once_all_the_same(
    companion: Companion, muster: Muster, places: Places, game: Game, caplog: pytest.LogCaptureFixture
) -> None:
    places.state.mkdir()
    game.write(export(1))
    assert go(companion) == [Acknowledged]
    assert go(companion) == []
    assert "can't be noted" in caplog.text
    assert len(muster.posts) == 1
