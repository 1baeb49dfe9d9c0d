"""`muster import-sheet`: the files of a spreadsheet, the database they go to, and what is said of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from bot.database import prepare
from bot.services.context import Context
from bot.services.sheet import Imported, import_sheet
from bot.settings import Settings
from db.engine import create_engine, create_sessions
from domain.errors import InvalidInput
from domain.sheet import CharacterRow, IdRow, Remark, Sheet, read_characters, read_ids
from domain.sheet_plan import Fate

_Read = TypeVar("_Read")
_FATES: Final = {
    Fate.NEW: "new",
    Fate.MOVED: "moved from where a rule or an earlier sheet had them",
    Fate.CONFIRMED: "made by a rule and now resting on the sheet",
    Fate.KEPT: "there already",
}


@dataclass(frozen=True, slots=True)
class SheetFiles:
    """The two files of a spreadsheet, as they were read."""

    characters_file: Path
    ids_file: Path
    characters: Sheet[CharacterRow]
    ids: Sheet[IdRow]


def read(characters: Path, ids: Path) -> SheetFiles:
    """Read both files; raises InvalidInput with the file's name and what is wrong."""
    return SheetFiles(characters, ids, _read(characters, read_characters), _read(ids, read_ids))


async def bring_in(settings: Settings, url: str, server_id: int, files: SheetFiles, *, dry_run: bool) -> Imported:
    """Import the files into a database; raises SettingsError or Unavailable for one that is not ready."""
    await prepare(settings, url)
    engine = create_engine(url)
    try:
        ctx = Context(create_sessions(engine))
        return await import_sheet(ctx, server_id, characters=files.characters, ids=files.ids, dry_run=dry_run)
    finally:
        await engine.dispose()


def report(files: SheetFiles, imported: Imported) -> str:
    """Say what was done, or would be, and list what is left to a person."""
    return "\n".join(_lines(files, imported))


def _lines(files: SheetFiles, imported: Imported) -> Iterator[str]:
    if not imported.written:
        yield "dry run: nothing was written"
    for file, notices in ((files.characters_file, files.characters.notices), (files.ids_file, files.ids.notices)):
        yield from (f"note   {file}: {notice}" for notice in notices)
    told = [f"{imported.fates[fate]} {text}" for fate, text in _FATES.items() if imported.fates.get(fate)]
    yield f"read   {len(files.characters.rows)} characters, {len(files.ids.rows)} Discord ids"
    yield f"links  {', '.join(told) or 'none'}"
    yield f"mains  {imported.mains} set"
    yield from _listed(files.characters_file, imported.remarks)
    yield from _listed(files.ids_file, imported.id_remarks)


def _listed(file: Path, remarks: tuple[Remark, ...]) -> Iterator[str]:
    if remarks:
        yield f"left to you in {file}:"
        yield from (f"  line {remark.line}: {remark.text}" for remark in remarks)


def _read(file: Path, reader: Callable[[bytes], _Read]) -> _Read:
    try:
        return reader(file.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror or error}") from error
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error.text}") from error
