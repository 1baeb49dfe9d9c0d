"""Find and read all that this computer has for upload."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import CompanionError
from .exports import Export, newest
from .folders import ADDON_FILE, GAME, Account, Machine, accounts, accounts_folder, find_flavours, flavours_in, unique
from .reading import BACKUP, backup_of, read_account

NAMES = (ADDON_FILE, f"{ADDON_FILE}{BACKUP}")
"""What the files are called that the addon's exports come from."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Hold what there is to read and to watch, as far as anybody has played; `problems` are for the player."""

    accounts: tuple[Account, ...] = ()
    flavours: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Give each account's file and its backup, there or not."""
        return tuple(file for account in self.accounts for file in (account.file, backup_of(account.file)))

    @property
    def folders(self) -> tuple[Path, ...]:
        """Give the folders in which these files, and further accounts, appear."""
        return (*(account.file.parent for account in self.accounts), *map(accounts_folder, self.flavours))

    def again(self) -> "Ground":
        """Look for accounts in the same places, and nowhere else."""
        return _ground(self.flavours, self.problems)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Hold the newest exports of each guild, the accounts that were looked at, and what is wrong with any of it.

    `busy` is whether a file could not be read that another try may find open, though nothing tells of it.
    """

    newest: tuple[Export, ...] = ()
    accounts: tuple[Account, ...] = ()
    problems: tuple[str, ...] = ()
    busy: bool = False


def survey(more: Iterable[Path]) -> Ground:
    """Find the game's accounts, in the usual places and in these folders; opens no file."""
    flavours = [*find_flavours(Machine.here())]
    problems = []
    for folder in more:
        try:
            flavours += flavours_in(folder)
        except CompanionError as error:
            problems.append(str(error))
    found = unique(flavours)
    if not found and not problems:
        problems.append(f"{GAME} was not found. Say where it is: `muster-companion setup --folder PATH`.")
    return _ground(found, tuple(problems))


def _ground(flavours: tuple[Path, ...], problems: tuple[str, ...]) -> Ground:
    return Ground(tuple(account for flavour in flavours for account in accounts(flavour)), flavours, problems)


def gather(more: Iterable[Path]) -> Gathered:
    """Read what all accounts have; what can't be read hinders nothing else."""
    ground = survey(more)
    readings = [read_account(account.file) for account in ground.accounts]
    return Gathered(
        newest(export for reading in readings for export in reading.exports),
        ground.accounts,
        (*ground.problems, *(problem for reading in readings for problem in reading.problems)),
        any(reading.busy for reading in readings),
    )
