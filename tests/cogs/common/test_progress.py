import pytest

from cogs.common import texts
from tests.cogs.common.conftest import World
from tests.cogs.common.probes import texts_of


def edits(world: World) -> int:
    return sum(call.method == "PATCH" and call.path.endswith("/@original") for call in world.env.http_requests)


@pytest.fixture(autouse=True)
def park_short_sleeps(world: World) -> None:
    """Let SimCord leave every sleep to advance_time instead of waiting for the short ones."""
    world.env.settle_timeout = 0.3


async def advance(world: World, seconds: float) -> None:
    """Move the clock in small steps: SimCord's time-out holds for each of its moves."""
    for _ in range(round(seconds * 10)):
        await world.env.advance_time(0.1)


async def test_the_status_line_is_edited_at_most_every_two_seconds(world: World) -> None:
    result = await world.member.slash(world.channel, "work", seconds=7, how="")
    assert result.ephemeral
    assert texts_of(result.response) == ["step 0"]
    await advance(world, 1.9)
    assert edits(world) == 1
    await advance(world, 0.2)
    assert edits(world) == 2
    assert texts_of(result.response) == ["step 3"]
    await advance(world, 4.8)
    assert edits(world) == 4
    await advance(world, 0.2)
    assert texts_of(result.response) == ["the result"]
    assert edits(world) == 5
    assert not world.channel.history()
    await world.env.advance_time(10)
    assert edits(world) == 5


@pytest.mark.parametrize("status", [400, 429, 503])
async def test_a_failed_status_edit_is_logged_and_does_not_fail_the_work(
    world: World, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    world.env.inject_error("PATCH", "/webhooks/*", status=status)
    result = await world.member.slash(world.channel, "work", seconds=3, how="")
    await advance(world, 4)
    assert texts_of(result.response) == ["the result"]
    assert "a status line was not shown" in caplog.text


async def test_a_result_that_discord_did_not_take_says_that_the_work_may_be_done(world: World) -> None:
    result = await world.member.slash(world.channel, "work", seconds=10, how="long")
    world.env.inject_error("PATCH", "/webhooks/*", status=503)
    await world.env.advance_time(11)
    assert texts_of(result.response) == [texts.DISCORD_FAILED]
    assert world.env.errors


async def test_work_that_could_not_be_announced_does_not_begin(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)
    result = await world.member.slash(world.channel, "work", seconds=1, how="public")
    await advance(world, 2)
    assert (result.response, edits(world), world.channel.history()) == (None, 0, [])
    assert "no answer" in caplog.text
    assert world.env.errors


async def test_after_14_minutes_the_result_goes_to_the_channel(world: World) -> None:
    await world.member.slash(world.channel, "work", seconds=841, how="long public")
    await world.env.advance_time(845)
    assert texts_of(world.channel.last_message) == ["the result"]
    assert len(world.channel.history()) == 2


async def test_a_late_private_result_is_not_shown_to_the_channel(world: World) -> None:
    await world.member.slash(world.channel, "work", seconds=841, how="long")
    await world.env.advance_time(845)
    assert texts_of(world.channel.last_message) == [texts.LATE_RESULT]


async def test_a_late_private_result_may_bring_a_public_form(world: World) -> None:
    await world.member.slash(world.channel, "work", seconds=841, how="long late")
    await world.env.advance_time(845)
    assert texts_of(world.channel.last_message) == ["done, for all eyes"]


async def test_a_token_that_ended_early_sends_the_result_to_the_channel(world: World) -> None:
    await world.member.slash(world.channel, "work", seconds=3, how="public")
    world.env.inject_error("PATCH", "/webhooks/*", status=401, code=50027, times=None)
    await advance(world, 4)
    assert texts_of(world.channel.last_message) == ["the result"]


async def test_an_error_replaces_the_status_line(world: World) -> None:
    result = await world.member.slash(world.channel, "work", seconds=3, how="refuse")
    await advance(world, 4)
    assert texts_of(result.response) == ["The realm is gone."]
    assert not result.followups
    assert world.env.errors


async def test_an_error_after_14_minutes_reaches_the_channel_with_its_id(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.member.slash(world.channel, "work", seconds=841, how="long public raise")
    await world.env.advance_time(845)
    [text] = texts_of(world.channel.last_message)
    assert text.split("`")[1] in caplog.text
    assert world.env.errors


async def test_a_late_private_error_is_not_shown_to_the_channel(world: World) -> None:
    await world.member.slash(world.channel, "work", seconds=841, how="long refuse")
    await world.env.advance_time(845)
    assert texts_of(world.channel.last_message) == [texts.LATE_RESULT]
    assert world.env.errors
