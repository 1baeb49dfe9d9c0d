"""Notes in the sandbox: a file stands for what the addon uploads, and is read before each matching."""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bot.services import notes
from bot.services.context import BeforeMatching, Context
from bot.services.notes import NoteRow
from domain.errors import FollowsNoGuild

log = logging.getLogger(__name__)

_ROWS: Final = TypeAdapter(list[NoteRow])


def reader(path: Path) -> BeforeMatching:
    """Give what hands the notes of a file to the server that is matched next.

    The file is a JSON list of objects with the fields of `NoteRow`, read when it was last written. One that cannot be
    read is a warning, and the matching goes on with the notes that are stored.
    """

    async def hand_in(ctx: Context, server_id: int) -> None:
        try:
            rows, as_of = await asyncio.to_thread(_read, path)
        except (OSError, ValidationError) as error:
            log.warning("the notes of the sandbox cannot be read from %s: %s", path, type(error).__name__)
            return
        if not rows:
            return
        try:
            done = await notes.apply(ctx, server_id, rows, as_of=as_of)
        except FollowsNoGuild:
            return
        if done.applied:
            skipped = len(done.unknown) + len(done.ambiguous)
            log.info("server %s: the notes of %s characters are new, %s rows skipped", server_id, done.applied, skipped)

    return hand_in


def _read(path: Path) -> tuple[list[NoteRow], datetime]:
    as_of = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return _ROWS.validate_json(path.read_bytes()), as_of
