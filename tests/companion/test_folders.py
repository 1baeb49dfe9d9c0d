"""The game is found on every system, under every flavour and account, and only looked at."""

import os
import sys
from pathlib import Path

import pytest

from muster_companion.folders import (
    FolderError,
    Machine,
    accounts,
    accounts_folder,
    child,
    find_flavours,
    flavours_in,
    unique,
)
from tests.companion.rights import few_rights


def install(game: Path, *flavours: str) -> Path:
    """Make a game's folder as it is once an account has played these flavours."""
    for flavour in flavours or ("_retail_",):
        (game / flavour / "WTF" / "Account" / "12345678#1" / "SavedVariables").mkdir(parents=True)
        (game / flavour / "Interface" / "AddOns" / "Muster").mkdir(parents=True)
    return game


def words(folder: Path | str) -> str:
    """Give the words for a folder that is not the game's."""
    with pytest.raises(FolderError) as caught:
        flavours_in(folder)
    return str(caught.value)


@pytest.fixture
def game(tmp_path: Path) -> Path:
    """Give a game with one flavour that was played."""
    return install(tmp_path / "World of Warcraft")


# Finding


@pytest.mark.parametrize(
    "place",
    [
        ".wine/drive_c/Program Files (x86)/World of Warcraft",
        ".wine/drive_c/Program Files/World of Warcraft",
        "Games/battlenet/drive_c/Program Files (x86)/World of Warcraft",
        "Games/Heroic/Prefixes/default/Battle.net/drive_c/Program Files (x86)/World of Warcraft",
        ".local/share/wineprefixes/wow/drive_c/World of Warcraft",
        ".local/share/bottles/bottles/wow/drive_c/Games/World of Warcraft",
        ".var/app/com.usebottles.bottles/data/bottles/bottles/wow/drive_c/Program Files (x86)/World of Warcraft",
        ".PlayOnLinux/wineprefix/wow/drive_c/Program Files (x86)/World of Warcraft",
        ".steam/steam/steamapps/compatdata/2841/pfx/drive_c/Program Files (x86)/World of Warcraft",
        ".local/share/Steam/steamapps/compatdata/2841/pfx/drive_c/Program Files (x86)/World of Warcraft",
        ".var/app/com.valvesoftware.Steam/.local/share/Steam/steamapps/compatdata/1/pfx/drive_c/World of Warcraft",
    ],
)
def test_the_game_is_found_in_every_wine_of_linux(tmp_path: Path, place: str) -> None:
    game = install(tmp_path / place)
    assert find_flavours(Machine("linux", tmp_path)) == (game / "_retail_",)


def test_the_game_is_found_in_the_prefix_that_the_environment_names(tmp_path: Path) -> None:
    game = install(tmp_path / "elsewhere" / "drive_c" / "Program Files (x86)" / "World of Warcraft")
    machine = Machine("linux", tmp_path / "home", {"WINEPREFIX": str(tmp_path / "elsewhere")})
    assert find_flavours(machine) == (game / "_retail_",)


def test_the_game_is_found_under_wine_in_any_letter_case(tmp_path: Path) -> None:
    flavour = tmp_path / ".wine" / "drive_c" / "program files (x86)" / "world of warcraft" / "_retail_"
    folder = flavour / "wtf" / "account" / "12345678#1" / "savedvariables"
    folder.mkdir(parents=True)
    (folder / "muster.lua").write_bytes(b"")
    assert find_flavours(Machine("linux", tmp_path)) == (flavour,)
    assert [account.file for account in accounts(flavour)] == [folder / "muster.lua"]


def test_the_game_is_found_on_a_mac(tmp_path: Path) -> None:
    game = install(tmp_path / "Applications" / "World of Warcraft")
    machine = Machine("darwin", tmp_path / "home", applications=(tmp_path / "Applications", tmp_path / "gone"))
    assert find_flavours(machine) == (game / "_retail_",)


def test_the_game_is_found_where_the_registry_of_windows_tells(tmp_path: Path) -> None:
    game = install(tmp_path / "D" / "Spiele" / "WoW", "_classic_", "_retail_")
    # The installer writes the folder of a flavour there, and leaves old ones behind.
    machine = Machine("win32", tmp_path, installed=(f"{game / '_retail_'}{os.sep}", str(tmp_path / "gone"), ""))
    assert find_flavours(machine) == (game / "_retail_",)


def test_the_game_is_found_on_every_drive_of_windows(tmp_path: Path) -> None:
    on_c = install(tmp_path / "C" / "Program Files (x86)" / "World of Warcraft", "_retail_", "_classic_era_")
    on_e = install(tmp_path / "E" / "World of Warcraft")
    machine = Machine("win32", tmp_path, drives=tuple(tmp_path / letter for letter in "CDE"))
    assert find_flavours(machine) == (on_c / "_classic_era_", on_c / "_retail_", on_e / "_retail_")


def test_a_game_that_several_ways_lead_to_is_found_once(tmp_path: Path) -> None:
    game = install(tmp_path / ".local/share/Steam/steamapps/compatdata/1/pfx/drive_c/World of Warcraft")
    (tmp_path / ".steam").mkdir()
    (tmp_path / ".steam" / "steam").symlink_to(tmp_path / ".local/share/Steam")
    (found,) = find_flavours(Machine("linux", tmp_path))
    assert found.resolve() == game / "_retail_"


def test_folders_that_cannot_be_entered_hinder_no_search(tmp_path: Path) -> None:
    (tmp_path / ".wine").symlink_to(tmp_path / ".wine")
    (tmp_path / "Games").write_bytes(b"a file")
    assert find_flavours(Machine("linux", tmp_path)) == ()
    tmp_path.chmod(0)
    with few_rights():
        assert find_flavours(Machine("linux", tmp_path / "home")) == ()
    tmp_path.chmod(0o700)


def test_this_computer_can_be_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    machine = Machine.here()
    assert (machine.system, machine.home) == (sys.platform, tmp_path)
    find_flavours(machine)


# Flavours


def test_every_flavour_that_was_played_is_read_and_test_realms_are_not(tmp_path: Path) -> None:
    test_realms = ("_ptr_", "_xptr_", "_beta_", "_alpha_", "_classic_ptr_", "_classic_era_ptr_", "_classic_beta_")
    game = install(tmp_path / "World of Warcraft", "_retail_", "_classic_", "_anniversary_", *test_realms)
    (game / "_classic_era_").mkdir()
    (game / "Data" / "WTF" / "Account").mkdir(parents=True)
    (game / "__pycache__" / "WTF" / "Account").mkdir(parents=True)
    assert flavours_in(game) == (game / "_anniversary_", game / "_classic_", game / "_retail_")


@pytest.mark.parametrize(
    "within",
    [
        "",
        "WTF",
        "WTF/Account",
        "WTF/Account/12345678#1",
        "WTF/Account/12345678#1/SavedVariables",
        "Interface/AddOns/Muster",
    ],
)
def test_a_flavour_and_any_folder_within_it_stand_for_the_flavour(game: Path, within: str) -> None:
    install(game, "_classic_")
    assert flavours_in(game / "_retail_" / within) == (game / "_retail_",)


def test_the_addons_own_file_stands_for_its_flavour(game: Path) -> None:
    (account,) = accounts(game / "_retail_")
    account.file.write_bytes(b"")
    assert flavours_in(account.file) == (game / "_retail_",)


def test_the_folder_around_the_game_stands_for_it(game: Path) -> None:
    assert flavours_in(game.parent) == (game / "_retail_",)


def test_a_game_without_flavours_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "WoW" / "WTF" / "Account").mkdir(parents=True)
    assert flavours_in(tmp_path / "WoW") == (tmp_path / "WoW",)


def test_a_folder_is_taken_as_players_paste_it(game: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(game.parent))
    monkeypatch.setenv("USERPROFILE", str(game.parent))
    for pasted in (f'"{game}"', f" {game}{os.sep} \n", "~/World of Warcraft", f"{game}/_retail_/.."):
        assert flavours_in(pasted) == (game / "_retail_",)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert words(tmp_path / "gone") == f"There is no folder {tmp_path / 'gone'}."


@pytest.mark.parametrize("nothing", ["", "  ", '""'])
def test_no_folder_at_all_is_told(nothing: str) -> None:
    assert words(nothing).startswith("No folder is given.")


def test_a_folder_of_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for other in (tmp_path, tmp_path / "file"):
        assert words(other) == f"{other} is not a folder of World of Warcraft. Give the one that holds _retail_."


def test_a_game_that_nobody_played_yet_is_told(tmp_path: Path) -> None:
    (tmp_path / "World of Warcraft" / "_retail_").mkdir(parents=True)
    install(tmp_path / "World of Warcraft", "_ptr_")
    for folder in (tmp_path / "World of Warcraft", tmp_path / "World of Warcraft" / "_retail_"):
        assert words(folder) == f"Nobody has played the game in {folder} yet. Log in with any character first."


def test_a_test_realm_is_told(tmp_path: Path) -> None:
    game = install(tmp_path / "World of Warcraft", "_ptr_")
    for folder in (game, game / "_ptr_", game / "_ptr_" / "WTF"):
        assert words(folder).startswith(f"{folder} is of test realms, whose characters are copies.")


def test_a_folder_that_may_not_be_entered_is_told(game: Path) -> None:
    game.chmod(0)
    with few_rights():
        assert words(game) == f"{game} can't be opened: Permission denied."
        assert accounts(game / "_retail_") == ()
    game.chmod(0o700)


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_a_path_that_no_system_has_is_told(path: str) -> None:
    assert "can't be opened: " in words(path)


# Accounts


def test_every_account_is_found_whether_its_file_is_there_or_not(game: Path) -> None:
    folder = game / "_retail_" / "WTF" / "Account"
    (folder / "ANNA").mkdir()
    (folder / "SavedVariables").mkdir()
    (folder / "cache.txt").write_bytes(b"")
    found = accounts(game / "_retail_")
    assert [account.name for account in found] == ["12345678#1", "ANNA"]
    assert {account.flavour for account in found} == {game / "_retail_"}
    assert [account.file for account in found] == [
        folder / account.name / "SavedVariables" / "Muster.lua" for account in found
    ]


def test_a_flavour_that_nobody_played_has_no_accounts_but_a_place_for_them(tmp_path: Path) -> None:
    assert accounts(tmp_path) == ()
    assert accounts_folder(tmp_path) == tmp_path / "WTF" / "Account"


def test_the_exact_name_goes_before_one_in_other_letter_case(tmp_path: Path) -> None:
    (tmp_path / "WTF").mkdir()
    assert child(tmp_path, "wtf") == tmp_path / "WTF"
    (tmp_path / "wtf").mkdir()
    assert child(tmp_path, "wtf") == tmp_path / "wtf"
    assert child(tmp_path, "gone") == tmp_path / "gone"


def test_the_first_spelling_of_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert unique([tmp_path / "link" / "a", tmp_path / "b", tmp_path / "a"]) == (
        tmp_path / "link" / "a",
        tmp_path / "b",
    )


def test_looking_changes_nothing(game: Path) -> None:
    def state() -> list[tuple[str, float]]:
        return [(folder, os.stat(folder).st_mtime_ns) for folder, _, _ in os.walk(game)]

    before = state()
    for flavour in flavours_in(game):
        accounts(flavour)
    find_flavours(Machine("win32", game, drives=(game.parent,)))
    assert state() == before
