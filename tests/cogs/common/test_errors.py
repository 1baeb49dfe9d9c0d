import logging

import aiohttp
import discord
import pytest
from discord import app_commands

from cogs.common import texts
from cogs.common.errors import is_discords_fault, known_text
from tests.cogs.common.conftest import World
from tests.cogs.common.probes import card


def errors_of(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("how", ["domain", "deferred-domain", "answered-domain"])
async def test_a_domain_error_shows_its_own_text_and_is_no_fault(
    world: World, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    result = await world.member.slash(world.channel, "fail", how=how)
    said = [result.response, *result.followups]
    assert said[-1].content == "No such guild."
    assert said[-1].ephemeral
    assert world.env.errors
    assert not errors_of(caplog)


@pytest.mark.parametrize("how", ["raise", "deferred-raise", "answered-raise"])
async def test_any_other_error_shows_an_id_that_is_in_the_log_once(
    world: World, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    result = await world.member.slash(world.channel, "fail", how=how)
    said = [result.response, *result.followups][-1]
    assert said.ephemeral
    assert "the command is broken" not in said.content
    [record] = errors_of(caplog)
    assert said.content.split("`")[1] in record.getMessage()
    assert isinstance(record.exc_info[1], RuntimeError)
    assert world.env.errors


async def test_an_error_after_the_token_ended_is_only_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.member.slash(world.channel, "fail", how="late-raise")
    await world.env.advance_time(30)
    assert len(errors_of(caplog)) == 1
    assert "no answer" in caplog.text
    assert [type(error).__name__ for error in world.env.errors] == ["CommandInvokeError"]


async def test_an_answer_that_discord_already_has_becomes_a_follow_up(world: World) -> None:
    world.env.inject_error("POST", "/interactions/*/callback", status=400, code=40060)
    result = await world.member.slash(world.channel, "fail", how="domain")
    [followup] = result.followups
    assert followup.content == "No such guild."
    assert followup.ephemeral
    assert world.env.errors


@pytest.mark.parametrize(("status", "code"), [(404, 10062), (400, 40060)])
@pytest.mark.parametrize("how", ["deferred-raise", "answered-raise"])
async def test_what_came_too_late_or_another_process_answered_is_left_alone_with_a_line_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture, how: str, status: int, code: int
) -> None:
    world.env.inject_error("POST", "/interactions/*/callback", status=status, code=code)
    result = await world.member.slash(world.channel, "fail", how=how)
    assert (result.response, list(result.followups)) == (None, [])
    assert not errors_of(caplog)
    assert "no answer to application_command 'fail'" in caplog.text
    assert world.env.errors


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_breakdown_of_discord_is_told_as_such_and_is_no_fault_of_ours(
    world: World, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    world.env.inject_error("POST", "/interactions/*/callback", status=status)
    result = await world.member.slash(world.channel, "fail", how="answered-raise")
    assert result.response.content == texts.DISCORD_FAILED
    assert result.response.ephemeral
    assert not errors_of(caplog)
    assert "Discord failed in application_command 'fail'" in caplog.text
    assert world.env.errors


async def test_a_breakdown_that_lasts_ends_with_a_line_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.env.inject_error("POST", "*", status=503, times=None)
    result = await world.member.slash(world.channel, "fail", how="domain")
    assert result.response is None
    assert "no answer to application_command 'fail'" in caplog.text
    assert not errors_of(caplog)
    assert world.env.errors


@pytest.mark.parametrize("what", ["raises", "silent", "defer-raises"])
async def test_a_click_that_discord_forgot_leaves_no_unseen_error(
    world: World, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    message = await world.post(card("row", what))
    world.env.inject_error("POST", "/interactions/*", status=404, code=10062, times=None)
    await world.member.click(message, label=what)
    assert "no answer to component" in caplog.text


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (discord.RateLimited(60.0), True),
        (aiohttp.ServerDisconnectedError(), True),
        (OSError("the database is away"), False),
        (RuntimeError("a bug"), False),
    ],
)
def test_only_discords_own_faults_are_told_as_discords(error: Exception, *, expected: bool) -> None:
    assert is_discords_fault(error) is expected


async def test_a_missing_permission_is_named(world: World, caplog: pytest.LogCaptureFixture) -> None:
    result = await world.member.slash(world.channel, "locked")
    assert result.response.content == "You need these permissions for this: Manage Server."
    assert world.env.errors
    assert not errors_of(caplog)


async def test_a_command_that_is_gone_says_that_commands_were_updated(world: World) -> None:
    world.env.bot.tree.remove_command("locked")
    result = await world.member.slash(world.channel, "locked")
    assert result.response.content == texts.COMMANDS_UPDATED
    assert world.env.errors


async def test_a_command_that_changed_says_that_commands_were_updated(world: World) -> None:
    class Changed(app_commands.Group):
        @app_commands.command()
        async def inner(self, interaction) -> None:
            """Be inside."""

    world.env.bot.tree.remove_command("locked")
    world.env.bot.tree.add_command(Changed(name="locked", description="a group now"))
    result = await world.officer.slash(world.channel, "locked")
    assert result.response.content == texts.COMMANDS_UPDATED
    assert world.env.errors


async def test_an_autocomplete_that_raises_offers_nothing_and_is_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    assert await world.member.autocomplete(world.channel, "search", "name", "raise") == []
    [record] = errors_of(caplog)
    assert record.name == "cogs.common.errors"


async def test_an_autocomplete_without_its_database_is_one_line_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    assert await world.member.autocomplete(world.channel, "search", "name", "away") == []
    [record] = errors_of(caplog)
    assert "the database failed" in record.getMessage()
    assert record.exc_info is None


async def test_an_autocomplete_that_refuses_offers_nothing_silently(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    assert await world.member.autocomplete(world.channel, "search", "name", "refuse") == []
    assert not errors_of(caplog)


async def test_an_autocomplete_offers_at_most_25(world: World) -> None:
    assert len(await world.member.autocomplete(world.channel, "search", "name", "a")) == 25


async def test_an_autocomplete_of_a_command_that_is_gone_gets_no_message(world: World) -> None:
    world.env.bot.tree.remove_command("search")
    before = len(world.env.http_requests)
    await world.member.autocomplete(world.channel, "search", "name", "a")
    assert len(world.env.http_requests) == before
    assert world.env.errors


def test_every_check_failure_has_a_text() -> None:
    failures = [
        app_commands.NoPrivateMessage(),
        app_commands.BotMissingPermissions(["manage_roles"]),
        app_commands.CommandOnCooldown(app_commands.Cooldown(1, 60), 4.2),
        app_commands.MissingRole("Raider"),
        app_commands.CheckFailure("no"),
    ]
    assert [known_text(failure) for failure in failures] == [
        texts.SERVER_ONLY,
        "Muster needs these permissions for this: Manage Roles.",
        "Not so fast: try again in 4 s.",
        texts.NOT_ALLOWED,
        texts.NOT_ALLOWED,
    ]
