"""What keeps the bot from starting is one line that says what to do, never a traceback and never a secret."""

import socket
from pathlib import Path

from sandbox.stage import BotProcess
from tests.e2e.conftest import Home

BAD_SETTING, FAILED = 2, 1


async def the_line(stage: Home, bot: BotProcess, code: int) -> str:
    """Start a bot that ends by itself with this code; give the one line meant for a person."""
    await bot.start()
    assert await bot.wait() == code, list(bot.log)
    *before, line = bot.log
    assert line.startswith("muster: ")
    for other in before:
        assert " INFO " in other or " WARNING " in other
    for secret in (stage.token, stage.battlenet.client_secret):
        assert not any(secret in text for text in bot.log)
    return line


async def test_a_wrong_token_is_one_line_and_exit_2(stage: Home, database: str) -> None:
    stage.discord.portal.token = "another.token.entirely"
    line = await the_line(stage, stage.process(DATABASE_URL=database), BAD_SETTING)
    assert "DISCORD_BOT_TOKEN" in line


async def test_a_missing_members_intent_is_one_line_and_exit_2(stage: Home, database: str) -> None:
    stage.discord.allow_intents(members=False)
    line = await the_line(stage, stage.process(DATABASE_URL=database), BAD_SETTING)
    assert "Server Members" in line


async def test_an_unmigrated_database_asks_for_muster_migrate_and_is_exit_2(stage: Home, empty_database: str) -> None:
    line = await the_line(stage, stage.process(DATABASE_URL=empty_database), BAD_SETTING)
    assert "muster migrate" in line


async def test_a_taken_web_port_is_one_line(stage: Home, database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = await the_line(stage, stage.process(DATABASE_URL=database, PORT=port), FAILED)
    assert f"127.0.0.1:{port}" in line
    assert "PORT" in line


async def test_a_second_process_on_the_same_database_says_that_the_timers_run_elsewhere(
    stage: Home, database: str
) -> None:
    first, second = (stage.process(DATABASE_URL=database, PORT="0") for _ in range(2))
    for bot, place in ((first, "here"), (second, "in another process")):
        await bot.start()
        await stage.discord.until(
            lambda bot=bot, place=place: any(line.endswith(f"the timers run {place}") for line in bot.log),
            f"where the timers run: {place}",
            within=20,
        )


async def test_a_stop_while_the_database_is_being_made_leaves_nothing_running(stage: Home, data_dir: Path) -> None:
    bot = stage.process(MUSTER_DATA_DIR=str(data_dir))
    await bot.start()
    await stage.discord.until((data_dir / "lock").exists, "the start of the database", within=20)
    assert await bot.stop() == 0, list(bot.log)
    assert not (data_dir / "cluster" / "postmaster.pid").exists()
