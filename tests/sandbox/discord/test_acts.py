"""Users who act on a real discord.py client through the stand-in."""

from pathlib import Path

import pytest

from sandbox.discord import DiscordStandIn, Server, SetupError, Shown
from tests.sandbox.discord.client import Client, Recorded, Start
from tests.sandbox.discord.referee import Referee


@pytest.fixture
async def client(start: Start, channel: int) -> Client:
    return await start()


@pytest.fixture
def user(standin: DiscordStandIn, server: Server, channel: int) -> int:
    return standin.world.add_member(server.id, "mike", nick="Mike", locale="de")


async def panel(standin: DiscordStandIn, user: int, server: Server, channel: int) -> Shown:
    return await standin.slash(user, server.id, channel, "panel")


async def test_an_immediate_answer_is_ephemeral_and_knows_the_locale(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    shown = await standin.slash(user, server.id, channel, "hello", {"who": user, "realm": "Stormrage"})
    assert shown.ephemeral
    assert shown.content == "de Mike of Stormrage"
    assert standin.messages(channel) == []


async def test_a_deferred_answer_shows_each_edit_and_the_follow_up(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    shown = await standin.slash(user, server.id, channel, "sync roster")
    await shown.finished(lambda s: bool(s.followups))
    assert [version["content"] for version in shown.versions] == ["step 1", "done"]
    assert shown.lines == ["done", "and one more"]
    assert not shown.ephemeral
    assert [message["content"] for message in standin.messages(channel)] == ["done"]


async def test_a_button_opens_a_modal_and_its_submission_is_answered(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    opened = await standin.click(user, await panel(standin, user, server, channel), "panel:ask")
    assert opened.lines == ["# A question", "Your answer  [ … ]", "A colour  [ Choose ▾ ]"]

    with pytest.raises(SetupError, match="required"):
        await standin.submit_modal(opened, {})
    with pytest.raises(SetupError, match="0 to 20 characters"):
        await standin.submit_modal(opened, {"answer": "x" * 21})
    with pytest.raises(SetupError, match="has no"):
        await standin.submit_modal(opened, {"answer": "yes", "unknown": "x"})
    shown = await standin.submit_modal(opened, {"Your answer": "yes", "colour": ["red"]})
    assert shown.content == "yes ['red']"
    with pytest.raises(SetupError, match="no modal is open"):
        await standin.submit_modal(opened, {"answer": "again"})


async def test_a_deferred_click_is_finished_by_its_edit(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    shown = await standin.click(user, await panel(standin, user, server, channel), label="Count")
    await shown.finished()
    assert shown.content == "counted"


async def test_a_select_updates_its_message(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    shown = await panel(standin, user, server, channel)
    with pytest.raises(SetupError, match="does not offer"):
        await standin.select(user, shown, "panel:pick", ["x"])
    picked = await standin.select(user, shown, "panel:pick", ["a"])
    assert picked.content == "picked a"
    assert shown.content == "picked a"


@pytest.mark.parametrize("later", [False, True])
async def test_a_card_with_a_picture_is_answered_and_redrawn_by_what_is_picked(
    standin: DiscordStandIn,
    server: Server,
    channel: int,
    user: int,
    client: Client,
    *,
    recorded: Recorded,
    shared: Path,
    later: bool,
) -> None:
    def picture(answer: Shown) -> bytes | None:
        assert answer.message is not None
        (attachment,) = answer.message["attachments"]
        return standin.backend.cdn.get(attachment["url"])

    title = "later" if later else "at once"
    shown = await standin.slash(user, server.id, channel, "chart", {"later": later})
    await shown.finished()
    assert shown.lines == [title, f"[picture: {title}]", "[ Choose ▾ ]"]
    assert picture(shown) == title.encode()

    with pytest.raises(SetupError, match="takes 1 to 3 values"):
        await standin.select(user, shown, "chart:pick", ["a", "b", "c", "d"])
    await (await standin.select(user, shown, "chart:pick", ["c", "a"])).finished()
    assert shown.lines == ["c a", "[picture: c a]", "[ Choose ▾ ]"]
    assert picture(shown) == b"c a"
    assert Referee(shared / "discord").complaints(recorded) == []


async def test_a_role_select_resolves_the_role(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    role = standin.world.add_role(server.id, "Raider")
    shown = await panel(standin, user, server, channel)
    assert (await standin.select(user, shown, "panel:role", [role])).content == "role Raider"
    with pytest.raises(SetupError, match="none of the roles"):
        await standin.select(user, shown, "panel:role", [user])


async def test_autocomplete_returns_the_choices(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    choices = await standin.autocomplete(user, server.id, channel, "hello", option="realm", text="s")
    assert choices == [
        {"name": "Stormrage", "value": "stormrage"},
        {"name": "Silvermoon", "value": "silvermoon"},
    ]
    with pytest.raises(SetupError, match="no autocomplete"):
        await standin.autocomplete(user, server.id, channel, "hello", option="who", text="m")


async def test_what_a_user_cannot_do_is_refused_before_the_bot_hears_of_it(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    with pytest.raises(SetupError, match="no command /nothing"):
        await standin.slash(user, server.id, channel, "nothing")
    with pytest.raises(SetupError, match="default-member-permissions"):
        await standin.slash(user, server.id, channel, "officer")
    with pytest.raises(SetupError, match="requires who, realm"):
        await standin.slash(user, server.id, channel, "hello")
    with pytest.raises(SetupError, match="is a group"):
        await standin.slash(user, server.id, channel, "sync")
    with pytest.raises(SetupError, match="none of the users"):
        await standin.slash(user, server.id, channel, "hello", {"who": 1, "realm": "x"})
    with pytest.raises(SetupError, match="disabled"):
        await standin.click(user, await panel(standin, user, server, channel), "panel:gone")
    assert (await standin.slash(server.owner_id, server.id, channel, "officer")).content == "secret"


async def test_another_user_cannot_touch_an_ephemeral_answer(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    shown = await standin.slash(user, server.id, channel, "hello", {"who": user, "realm": "x"})
    with pytest.raises(SetupError, match="cannot see that message"):
        await standin.click(server.owner_id, shown, "any")


async def test_a_bot_that_does_not_answer_is_named(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    with pytest.raises(TimeoutError, match="an answer to /silent"):
        await standin.slash(user, server.id, channel, "silent", within=0.05)


async def test_a_message_is_waited_for(
    standin: DiscordStandIn, server: Server, channel: int, user: int, client: Client
) -> None:
    standin.say(user, channel, "first")
    await client.get_channel(channel).send("a report")
    found = await standin.wait_for_message(channel, lambda m: "report" in m["content"])
    assert found["author"]["username"] == "Muster"
    with pytest.raises(TimeoutError, match="a message in channel"):
        await standin.wait_for_message(channel, lambda _: False, 0.01)
