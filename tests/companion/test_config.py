"""Settings: whole at every moment, and clear words where they are damaged."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from muster_companion.config import Config, Guild, Target, change_config, fold, load_config, new_ref
from muster_companion.errors import CompanionError
from muster_companion.places import find_places

NIGHT_WATCH = Guild("eu", "Argent Dawn", "Night Watch")


def target(
    ref: str = "0123456789abcdef", address: str = "https://muster.example.org", guild: Guild = NIGHT_WATCH
) -> Target:
    return Target(ref, "https://muster.example.org", guild, in_keyring=False)


def test_without_a_file_there_are_no_settings(tmp_path: Path) -> None:
    assert load_config(tmp_path / "config.json") == Config()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "config.json"
    config = Config((target(), target(new_ref(), guild=Guild("eu", None, "Стража"))), (tmp_path / "World of Warcraft",))
    change_config(file, lambda _: config)
    assert load_config(file) == config


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_a_folder_whose_name_is_no_text_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"Spiele \xff")
    file = tmp_path / "config.json"
    change_config(file, lambda now: now.with_folders((folder,)))
    assert load_config(file).folders == (folder,)


def test_only_the_owner_reads_the_settings(tmp_path: Path) -> None:
    change_config(tmp_path / "config.json", lambda config: config)
    assert stat.S_IMODE((tmp_path / "config.json").stat().st_mode) == 0o600


def test_a_change_leaves_no_half_written_file(home: Path) -> None:
    change_config(home / "config.json", lambda config: config.with_target(target()))
    assert {file.name for file in home.iterdir()} == {"config.json", "config.json.lock"}


def test_a_failed_change_leaves_the_old_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    change_config(file, lambda config: config.with_target(target()))

    def broken(config: Config) -> Config:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        change_config(file, broken)
    assert load_config(file).targets == (target(),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"version": 1}',
        b'{"version": 2, "targets": [], "folders": []}',
        b'{"version": 1, "targets": [{"ref": "0123456789abcdef", "address": "x", "guild": {}}], "folders": []}',
        b'{"version": 1, "targets": [], "folders": [7]}',
    ],
)
def test_damaged_settings_say_what_to_do(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(CompanionError, match=r"damaged.*setup"):
        load_config(file)
    assert file.read_bytes() == content


def test_a_reference_never_leads_out_of_the_folder_of_keys(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    change_config(file, lambda config: config.with_target(target()))
    data = json.loads(file.read_text())
    data["targets"][0]["ref"] = "../config.json.loc"
    file.write_text(json.dumps(data))
    with pytest.raises(CompanionError, match="damaged"):
        load_config(file)


def test_settings_that_cannot_be_written_are_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(CompanionError, match="can't be written"):
        change_config(tmp_path / "home" / "config.json", lambda config: config)


def test_a_target_is_known_again_by_address_and_guild() -> None:
    config = Config((target(),))
    assert config.target_for("https://muster.example.org", NIGHT_WATCH) == target()
    assert config.target_for("https://muster.example.org", Guild("us", "Argent Dawn", "Night Watch")) is None
    assert config.target_for("https://other.example.org", NIGHT_WATCH) is None


def test_a_folder_is_kept_once(tmp_path: Path) -> None:
    assert Config(folders=(tmp_path,)).with_folders((tmp_path, tmp_path / "a")).folders == (tmp_path, tmp_path / "a")


@pytest.mark.parametrize(
    ("other", "may_be"),
    [
        (Guild("EU", "Argent Dawn", "night watch"), True),
        (Guild("eu", None, "Night Watch"), True),
        (Guild("eu", "Серебряный Рассвет", "Night-Watch"), True),
        (Guild("us", "Argent Dawn", "Night Watch"), False),
        (Guild("eu", "Argent Dawn", "Night Watchers"), False),
    ],
)
def test_a_guild_is_compared_by_region_and_folded_name(other: Guild, may_be: bool) -> None:
    assert NIGHT_WATCH.may_be(other) is may_be


def test_folding_drops_case_accents_and_signs_in_every_alphabet() -> None:
    assert fold("Éclair d'Ombre") == fold("ECLAIR DOMBRE")
    assert fold("Стража") == fold("СТРАЖА") != ""
    assert fold("ß") == fold("SS")


def test_one_variable_moves_everything_into_one_folder(tmp_path: Path) -> None:
    places = find_places({"MUSTER_COMPANION_HOME": str(tmp_path)})
    assert {file.parent for file in (places.config, places.keys, places.state, places.lock, places.log)} == {tmp_path}


def test_without_it_each_kind_lies_where_the_platform_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    places = find_places({})
    assert places.config.is_relative_to(tmp_path)
    assert "muster-companion" in places.state.parts
    assert len({places.config, places.state, places.log}) == 3


def test_changes_at_the_same_time_all_count(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    code = (
        "import sys; from pathlib import Path; from muster_companion.config import change_config\n"
        "for n in range(10): change_config(Path(sys.argv[1]), lambda c: c.with_folders((Path(f'/{sys.argv[2]}{n}'),)))"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(file), name], env=dict(os.environ)) for name in "abc"]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len(load_config(file).folders) == 30
