"""Uploads from many players at once, through a kill -9: nothing acknowledged is lost, and nothing is there twice."""

from pathlib import Path
from random import Random

import pytest

from tests.soak.uploads import RATE, Rush

pytestmark = pytest.mark.soak


async def test_of_uploads_from_everywhere_none_is_lost_when_the_process_is_killed(
    folder: Path, upload_seconds: int, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rush = Rush(folder, Random(seed))
    async with rush.stage:
        await rush.set_up()
        try:
            await rush.load(upload_seconds)
            await rush.settle()
            await rush.check()
        except BaseException as error:
            error.add_note("\n".join(list(rush.stage.bot.log)[-40:]))
            raise
    with capsys.disabled():
        print(f"\n{RATE} uploads a second for {upload_seconds} s, seed {seed}: {rush.figures}")
    # What a companion could not send while the bot was away was sent by its end.
    assert len(rush.acknowledged) >= RATE * upload_seconds // 2
