"""`/addon key`: keys made, shown once, rotated and revoked."""

import logging
from typing import Any

import pytest

from cogs.addon import keys_texts as texts
from cogs.addon.keys import Keys
from cogs.addon.keys import panel as render
from cogs.addon.texts import UPLOAD_PATH
from cogs.common.paginator import check_budget
from cogs.common.texts import OFFICERS_ONLY
from tests.cogs.addon.keys import (
    ADDRESS,
    CHOOSE,
    FIELD,
    FORM,
    a_post,
    ask,
    elsewhere,
    fill_in,
    key_in,
    listed,
    logged,
    make,
    open_key,
    panel,
    reached_at,
    shown_key,
    works,
)
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.support import forge
from tests.support.tree import components_of

HOSTILE = "**@everyone** <@1> [x](http://x.y)"


@pytest.fixture
async def hall(home: Home) -> Home:
    """Let the server follow the guild, and say where Muster is reached."""
    await home.follow()
    reached_at(home, ADDRESS)
    return home


async def test_before_a_guild_is_followed_no_key_is_made_and_the_way_to_one_is_told(home: Home) -> None:
    told = home.refused(await home.officer.slash(home.general, "addon key"))
    assert told == "This server follows no guild yet. Choose one with `/setup guild`."


async def test_a_server_without_keys_is_told_what_they_are_for_and_offered_one(hall: Home) -> None:
    shown = await panel(hall)
    text = text_of(shown)
    assert text.startswith(f"## Keys for {hall.sample.guild.name}\nWith a key, the companion on a player's PC sends")
    assert texts.NO_KEYS in text
    assert labels_of(shown) == [texts.CREATE]


async def test_the_form_makes_a_key_that_is_shown_privately_with_address_steps_and_warning(hall: Home) -> None:
    result = await fill_in(hall, "Bob's PC")
    shown = shown_key(result)
    text = text_of(shown)
    assert shown.ephemeral
    assert await works(hall, key_in(text))
    assert f"```\n{key_in(text)}\n```" in text
    assert f"```\n{ADDRESS}\n```" in text
    assert [line[:2] for line in text.splitlines() if line[:1].isdigit()] == ["1.", "2.", "3."]
    assert "Shown only this once." in text
    assert "in this server's name, and nothing else" in text


async def test_the_panel_then_lists_the_key_with_who_made_it_and_when_and_does_not_show_it(hall: Home) -> None:
    result = await fill_in(hall, "Bob's PC")
    text = text_of(result.response)
    assert text.startswith(texts.created("Bob's PC"))
    at = int(hall.clock().timestamp())
    assert f"**Bob's PC** · no upload yet\n-# made by <@{hall.officer.id}> <t:{at}:R>" in text
    assert "muster_" not in text


async def test_the_message_with_a_key_has_no_control_by_which_it_would_have_to_be_shown_again(hall: Home) -> None:
    shown = shown_key(await fill_in(hall, "Bob"))
    assert [one for one in components_of(shown) if one.get("custom_id")] == []


async def test_a_key_stands_in_no_log_no_control_no_action_log_and_nothing_that_others_see(
    hall: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await hall.report_to(hall.audit)
    made = key_in(text_of(shown_key(await fill_in(hall, "Bob"))))
    shown = await ask(hall, "Bob", texts.ROTATE)
    rotated = key_in(text_of(shown_key(await hall.officer.click(shown, label=texts.ROTATE_NOW))))
    await hall.deliver()
    secrets = [key.rpartition("_")[2] for key in (made, rotated)]
    private = [path for kind, path, _ in hall.env.backend.transcript if kind == "HTTP" and "/webhooks/" in path]
    assert private
    elsewhere_sent = [
        str(body) for kind, path, body in hall.env.backend.transcript if kind == "HTTP" and "/webhooks/" not in path
    ]
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("simcord")]
    actions = [str(vars(act)) for act in await logged(hall)]
    ids = [str(one.get("custom_id")) for one in components_of(shown)]
    for secret in secrets:
        assert not [text for text in (*elsewhere_sent, *ours, *actions, *ids) if secret in text]


async def test_each_act_on_a_key_is_in_the_action_log_with_its_name_and_who_did_it(hall: Home) -> None:
    await fill_in(hall, "Bob")
    await hall.deputy.click(await ask(hall, "Bob", texts.ROTATE, hall.deputy), label=texts.ROTATE_NOW)
    await hall.officer.click(await ask(hall, "Bob", texts.REVOKE), label=texts.REVOKE_NOW)
    log = card_of(await hall.officer.slash(hall.general, "audit log")).splitlines()
    acts = [line.partition(" ")[2] for line in log if "upload key" in line]
    assert acts == [
        f"<@{hall.officer.id}> revoked an upload key · “Bob”",
        f"<@{hall.deputy.id}> rotated an upload key · “Bob”",
        f"<@{hall.officer.id}> made an upload key · “Bob”",
    ]


async def test_without_a_public_address_the_card_says_who_sets_it_and_shows_the_path(hall: Home) -> None:
    reached_at(hall, None)
    text = text_of(shown_key(await fill_in(hall, "Bob")))
    assert "Whoever runs Muster sets `MUSTER_PUBLIC_URL`" in text
    assert f"`{UPLOAD_PATH}`" in text


async def test_an_address_without_tls_says_that_the_companion_uses_it_on_its_own_pc_alone(hall: Home) -> None:
    reached_at(hall, "http://127.0.0.1:8080/")
    text = text_of(shown_key(await fill_in(hall, "Bob")))
    assert "```\nhttp://127.0.0.1:8080\n```" in text
    assert "the companion sends to its own PC alone" in text


async def test_a_name_that_a_key_in_force_bears_is_refused_and_no_key_is_made(hall: Home) -> None:
    before = await make(hall, "Bob's PC")
    result = await fill_in(hall, "bob's pc")
    assert result.followups == []
    assert text_of(result.response).startswith("⚠️ ")
    assert await listed(hall) == {"Bob's PC": before.key}


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u200b", "x" * 41])
async def test_a_name_that_cannot_stand_is_refused_with_what_is_expected(hall: Home, name: str) -> None:
    result = await forge.submit_form(hall.officer, hall.general, await a_post(hall), FORM, {FIELD: name})
    [answer] = result.followups
    assert answer.ephemeral
    assert "40" in text_of(answer)
    assert await listed(hall) == {}


async def test_a_form_handed_in_twice_makes_one_key(hall: Home) -> None:
    post = await a_post(hall)
    first, second = [await forge.submit_form(hall.officer, hall.general, post, FORM, {FIELD: "Bob"}) for _ in range(2)]
    assert await works(hall, key_in(text_of(shown_key(first))))
    [answer] = second.followups
    assert text_of(answer).startswith("⚠️")
    assert "muster_" not in text_of(answer)
    assert len(await listed(hall)) == 1


async def test_of_two_officers_who_fill_in_one_name_one_gets_a_key_and_the_other_is_told(hall: Home) -> None:
    forms = {
        actor: await actor.click(await panel(hall, actor), label=texts.CREATE) for actor in (hall.officer, hall.deputy)
    }
    first, second = [await actor.submit_modal(form, {FIELD: "Bob"}) for actor, form in forms.items()]
    assert await works(hall, key_in(text_of(shown_key(first))))
    assert second.followups == []
    assert text_of(second.response).startswith("⚠️")
    assert len(await listed(hall)) == 1


async def test_a_key_that_discord_did_not_show_is_said_to_be_in_force_and_how_to_get_one_that_is_seen(
    hall: Home,
) -> None:
    opened = await hall.officer.click(await panel(hall), label=texts.CREATE)
    hall.env.inject_error("POST", "/webhooks/*/*", status=500, times=1)
    result = await hall.officer.submit_modal(opened, {FIELD: "Bob"})
    assert "rotate it: that gives another one" in "".join(map(text_of, result.followups))
    assert list(await listed(hall)) == ["Bob"]


async def test_rotating_asks_first_and_then_ends_the_old_key_and_shows_the_new_one(hall: Home) -> None:
    old = await make(hall, "Bob")
    shown = await ask(hall, "Bob", texts.ROTATE)
    assert text_of(shown).startswith("**Rotate the key of Bob?**")
    assert await works(hall, old.text)
    result = await hall.officer.click(shown, label=texts.ROTATE_NOW)
    new = key_in(text_of(shown_key(result)))
    assert shown_key(result).ephemeral
    assert [await works(hall, text) for text in (old.text, new)] == [False, True]
    assert text_of(shown).startswith(texts.rotated("Bob"))
    assert f"rotated <t:{int(hall.clock().timestamp())}:R>" in text_of(shown)


async def test_revoking_asks_first_and_then_ends_the_key(hall: Home) -> None:
    old = await make(hall, "Bob")
    shown = await ask(hall, "Bob", texts.REVOKE)
    assert text_of(shown).startswith("**Revoke the key of Bob?**")
    assert await works(hall, old.text)
    await hall.officer.click(shown, label=texts.REVOKE_NOW)
    assert not await works(hall, old.text)
    assert text_of(shown).startswith(texts.revoked("Bob"))
    assert await listed(hall) == {}


@pytest.mark.parametrize("label", [texts.ROTATE, texts.REVOKE])
async def test_going_back_from_the_question_changes_nothing(hall: Home, label: str) -> None:
    old = await make(hall, "Bob")
    shown = await ask(hall, "Bob", label)
    await hall.officer.click(shown, label=texts.BACK)
    assert text_of(shown).startswith("## Keys for")
    assert await works(hall, old.text)


@pytest.mark.parametrize(
    ("label", "now"), [(texts.ROTATE, texts.ROTATE_NOW), (texts.REVOKE, texts.REVOKE_NOW)], ids=["rotate", "revoke"]
)
async def test_a_key_that_another_officer_revoked_meanwhile_is_said_to_be_and_by_whom(
    hall: Home, label: str, now: str
) -> None:
    await make(hall, "Bob")
    mine = await ask(hall, "Bob", label)
    await hall.deputy.click(await ask(hall, "Bob", texts.REVOKE, hall.deputy), label=texts.REVOKE_NOW)
    result = await hall.officer.click(mine, label=now)
    assert result.followups == []
    first = text_of(mine).splitlines()[0]
    assert first.startswith("⚠️")
    assert f"<@{hall.deputy.id}>" in first
    assert texts.NO_KEYS in text_of(mine)


async def test_a_key_that_another_officer_rotated_meanwhile_is_not_rotated_again_and_who_did_is_said(
    hall: Home,
) -> None:
    await make(hall, "Bob")
    mine = await ask(hall, "Bob", texts.ROTATE)
    theirs = await hall.deputy.click(await ask(hall, "Bob", texts.ROTATE, hall.deputy), label=texts.ROTATE_NOW)
    result = await hall.officer.click(mine, label=texts.ROTATE_NOW)
    assert result.followups == []
    assert text_of(mine).startswith(f"⚠️ <@{hall.deputy.id}> rotated `Bob` after you were asked")
    assert await works(hall, key_in(text_of(shown_key(theirs))))


async def test_a_key_that_was_revoked_since_the_panel_was_opened_is_said_to_be_when_it_is_chosen(hall: Home) -> None:
    made = await make(hall, "Bob")
    shown = await panel(hall)
    await hall.deputy.click(await ask(hall, "Bob", texts.REVOKE, hall.deputy), label=texts.REVOKE_NOW)
    result = await hall.officer.select(shown, [made.key.public_id], custom_id=CHOOSE)
    assert card_of(result) == texts.GONE


async def test_a_double_click_on_rotate_gives_one_new_key(hall: Home) -> None:
    await make(hall, "Bob")
    shown = await ask(hall, "Bob", texts.ROTATE)
    [custom_id] = [one["custom_id"] for one in components_of(shown) if ":rotate:" in str(one.get("custom_id"))]
    post = await a_post(hall)
    results = [await forge.use_control(hall.officer, hall.general, post, custom_id) for _ in range(2)]
    keys = [key_in(text_of(one)) for result in results for one in result.followups if "muster_" in text_of(one)]
    assert [await works(hall, key) for key in keys] == [True]


async def test_what_is_pressed_again_after_a_restart_still_works(hall: Home) -> None:
    await make(hall, "Bob")
    shown = await ask(hall, "Bob", texts.REVOKE)
    await hall.restart()
    await hall.officer.click(shown, label=texts.REVOKE_NOW)
    assert await listed(hall) == {}


async def test_names_with_markdown_and_mentions_are_shown_as_text_everywhere_and_ping_nobody(hall: Home) -> None:
    result = await fill_in(hall, HOSTILE)
    shown = await open_key(hall, HOSTILE)
    cards = [text_of(result.response), text_of(shown_key(result)), text_of(shown)]
    for label in (texts.ROTATE, texts.BACK):
        await hall.officer.click(shown, label=label)
        cards.append(text_of(shown))
    for text in cards:
        assert "\\*\\*@\u200beveryone\\*\\*" in text
        assert not {"@everyone", "<@1>", "[x]("} & {part for part in ("@everyone", "<@1>", "[x](") if part in text}


async def test_the_most_keys_of_the_longest_hostile_names_fit_into_pages_that_all_can_be_chosen_from(
    hall: Home,
) -> None:
    for number in range(25):
        await make(hall, f"{number:02}" + "*" * 38)
    found = tuple((await listed(hall)).values())
    for number in range(3):
        check_budget(render(Keys("*" * 40, found), number, done=texts.rotated("*" * 40)))
    shown = await panel(hall)
    offered: list[Any] = []
    while True:
        [menu] = [one for one in components_of(shown) if one.get("custom_id") == CHOOSE]
        offered += [option["value"] for option in menu["options"]]
        if "Next" not in labels_of(shown):
            break
        await hall.officer.click(shown, label="Next")
    assert sorted(offered) == sorted(key.public_id for key in found)


async def test_one_key_more_than_a_server_may_have_is_refused(hall: Home) -> None:
    for number in range(25):
        await make(hall, f"PC {number}")
    result = await fill_in(hall, "One more")
    assert result.followups == []
    assert text_of(result.response).startswith("⚠️")
    assert len(await listed(hall)) == 25


async def test_a_key_of_another_server_is_neither_shown_nor_changed_by_a_copied_control(hall: Home) -> None:
    other = await elsewhere(hall)
    theirs = await make(hall, "Their PC", other)
    key = theirs.key.public_id
    assert "Their PC" not in text_of(await panel(hall))
    post = await a_post(hall)
    acts = [(CHOOSE, (key,)), *((f"addon-key:v1:{act}:{key}", ()) for act in ("ask-rotate", "ask-revoke", "revoke"))]
    for custom_id, values in [*acts, (f"addon-key:v1:rotate:{key}:0", ())]:
        result = await forge.use_control(hall.officer, hall.general, post, custom_id, values)
        answers = [*([result.response] if result.response else []), *result.followups]
        assert answers
        assert not [one for one in answers if "Their PC" in text_of(one) or "muster_" in text_of(one)]
    assert await works(hall, theirs.text)
    hall.env.errors.clear()


async def test_who_is_no_officer_any_more_makes_no_key_by_a_form_that_was_open(hall: Home) -> None:
    opened = await hall.deputy.click(await panel(hall, hall.deputy), label=texts.CREATE)
    await hall.take_rights(hall.deputy)
    result = await hall.deputy.submit_modal(opened, {FIELD: "Bob"})
    assert card_of(result) == OFFICERS_ONLY
    assert await listed(hall) == {}
