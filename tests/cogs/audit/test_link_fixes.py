"""The buttons that mend findings about links: opened, shown, acted on, closed."""

from dataclasses import replace
from typing import Any

import pytest
import simcord

from bot.services import aliases, findings, links, pipeline
from bot.services.fixes import CharacterView, Choice, SuggestedMember
from cogs.audit.fixes.choice import choice_card
from cogs.common.paginator import check_budget
from cogs.members.cog import QUIET_SECONDS
from db.tables.people import Member
from domain.audit import Finding, State
from sandbox.world import Character
from tests.cogs.audit.acting import character_id, open_card, owners, standing, state_of
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import join, read_all, shrink
from tests.support.people import insert_note, load_actions

STRANGERS = 4


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once: the namesakes are linked by it, these four are nobody's."""
    strangers = shrink(home, STRANGERS)
    await read_all(home)
    return strangers


async def fill_in(
    home: Home, shown: simcord.InteractionResult, label: str, actor: simcord.MemberActor | None = None, **values: Any
) -> str:
    """Press a button that opens a form, and hand that in; give what the card then shows."""
    actor = actor or home.officer
    form = await actor.click(shown.response, label=label)
    await actor.submit_modal(form, values)
    return text_of(shown.response)


async def press(
    home: Home, shown: simcord.InteractionResult, label: str, actor: simcord.MemberActor | None = None
) -> str:
    await (actor or home.officer).click(shown.response, label=label)
    return text_of(shown.response)


async def orphan(home: Home, name: str) -> Finding:
    return (await standing(home, "orphan_wow"))[await character_id(home, name)]


async def twins(home: Home, name: str) -> list[int]:
    """Let two members join whom nothing tells apart: both are called like a character."""
    both = [home.server.add_member(home.env.create_user(username), nick=name) for username in ("quentin", "rosalba")]
    await home.env.advance_time(QUIET_SECONDS)
    return [one.id for one in both]


async def suggested(home: Home, name: str) -> Finding:
    return (await standing(home, "link_suggestion"))[await character_id(home, name)]


async def contradict(home: Home, name: str, username: str) -> int:
    """Let a note say that a character is a newcomer's; give the newcomer."""
    user_id = await join(home, username)
    ctx = home.services.ctx
    note = f"discord: {username}"
    await insert_note(ctx, await character_id(home, name), officer_note=note, server_id=home.server.id)
    await pipeline.follow_up(ctx, home.server.id)
    return user_id


async def say(home: Home, name: str, member: simcord.MemberActor) -> None:
    """Link a character to a member by the deputy's word."""
    await links.add(
        home.services.ctx,
        home.server.id,
        character_id=await character_id(home, name),
        user_id=member.id,
        actor_id=home.deputy.id,
    )


async def leave(home: Home, user_id: int) -> None:
    """Let Discord tell that a member left; what follows from it waits for quiet."""
    async with home.services.ctx.sessions.begin() as session:
        (await session.get_one(Member, (home.server.id, user_id))).left_at = home.clock()


async def test_a_character_of_nobody_is_linked_to_the_chosen_member_and_the_finding_closes(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    finding = await orphan(home, name)
    shown = await open_card(home, finding)
    assert f"**{name}**" in card_of(shown)
    assert labels_of(shown.response)[:2] == ["Link…", "Add alias…"]

    said = await fill_in(home, shown, "Link…", member=[home.plain])

    assert said.startswith(f"✅ **{name}** is linked to <@{home.plain.id}>: proven, by your word.")
    assert "settled" in said
    assert await owners(home, name) == [home.plain.id]
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert "Link…" not in labels_of(shown.response)
    *_, act = await load_actions(home.services.ctx, "link.add", home.server.id)
    assert (act.actor_id, act.subject_id) == (home.officer.id, finding.subject_id)


async def test_of_two_officers_who_link_one_character_the_second_is_told_who_did(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    finding = await orphan(home, name)
    mine, theirs = await open_card(home, finding), await open_card(home, finding, home.deputy)
    form = await home.officer.click(mine.response, label="Link…")
    await say(home, name, home.plain)

    await home.officer.submit_modal(form, {"member": [home.deputy]})

    assert text_of(mine.response).startswith(
        f"⚠️ `{name}` was linked to <@{home.plain.id}> meanwhile, by <@{home.deputy.id}>."
    )
    assert await owners(home, name) == [home.plain.id]
    await pipeline.follow_up(home.services.ctx, home.server.id)
    assert "settled" in await press(home, theirs, "Link…", home.deputy)


async def test_a_form_that_was_open_across_a_restart_still_links(home: Home, strangers: list[Character]) -> None:
    name = strangers[0].name
    shown = await open_card(home, await orphan(home, name))
    form = await home.officer.click(shown.response, label="Link…")
    await home.restart()
    await home.officer.submit_modal(form, {"member": [home.plain]})
    assert await owners(home, name) == [home.plain.id]


async def test_whom_no_rule_knows_or_who_left_is_not_linked_and_the_card_says_why(
    home: Home, strangers: list[Character]
) -> None:
    shown = await open_card(home, await orphan(home, strangers[0].name))
    form = await home.officer.click(shown.response, label="Link…")
    await leave(home, home.plain.id)
    await home.officer.submit_modal(form, {"member": [home.plain]})
    assert text_of(shown.response).startswith("⚠️ This member has left the server. Choose one who is here.")
    assert await owners(home, strangers[0].name) == []
    assert labels_of(shown.response)[0] == "Link…"


async def test_a_character_that_left_the_guild_meanwhile_is_not_linked(home: Home, strangers: list[Character]) -> None:
    shown = await open_card(home, await orphan(home, strangers[0].name))
    form = await home.officer.click(shown.response, label="Link…")
    home.sample.world.leave(strangers[0])
    await home.sync_roster()
    await home.officer.submit_modal(form, {"member": [home.plain]})
    assert text_of(shown.response).startswith("⚠️ This finding is settled: its cause is gone.")


async def test_a_member_without_a_character_is_linked_to_the_one_that_was_typed(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    finding = (await standing(home, "orphan_discord"))[home.plain.id]
    shown = await open_card(home, finding)

    said = await fill_in(home, shown, "Link…", character=f" {name.lower()} ")

    assert said.startswith(f"✅ **{name}** is linked to <@{home.plain.id}>: proven, by your word.")
    assert await owners(home, name) == [home.plain.id]
    assert (await state_of(home, finding)).state is State.RESOLVED


@pytest.mark.parametrize("typed", ["Nobody", "   ", "@everyone", "x" * 100])
async def test_a_name_that_no_character_bears_is_said_back_as_text_and_changes_nothing(
    home: Home, strangers: list[Character], typed: str
) -> None:
    finding = (await standing(home, "orphan_discord"))[home.plain.id]
    shown = await open_card(home, finding)
    said = await fill_in(home, shown, "Link…", character=typed)
    assert said.startswith("⚠️ No character `")
    assert "or type its whole name" in said
    assert (await state_of(home, finding)).state is not State.RESOLVED


async def test_a_member_who_got_a_character_meanwhile_is_not_linked_to_another(
    home: Home, strangers: list[Character]
) -> None:
    shown = await open_card(home, (await standing(home, "orphan_discord"))[home.plain.id])
    form = await home.officer.click(shown.response, label="Link…")
    await say(home, strangers[0].name, home.plain)
    await home.officer.submit_modal(form, {"character": strangers[1].name})
    assert text_of(shown.response).startswith(
        f"⚠️ `{strangers[0].name}` was linked to <@{home.plain.id}> meanwhile, by <@{home.deputy.id}>."
    )
    assert await owners(home, strangers[1].name) == []


async def test_a_member_who_left_meanwhile_is_not_linked(home: Home, strangers: list[Character]) -> None:
    shown = await open_card(home, (await standing(home, "orphan_discord"))[home.plain.id])
    form = await home.officer.click(shown.response, label="Link…")
    await leave(home, home.plain.id)
    await home.officer.submit_modal(form, {"character": strangers[0].name})
    assert text_of(shown.response).startswith(f"⚠️ <@{home.plain.id}> has left the server. Nothing was linked.")
    assert await owners(home, strangers[0].name) == []


async def test_what_a_person_said_of_the_typed_character_stands_and_the_card_says_what_to_do(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    await say(home, name, home.plain)
    finding = (await standing(home, "orphan_discord"))[home.deputy.id]
    said = await fill_in(home, await open_card(home, finding), "Link…", character=name)
    assert said.startswith(f"⚠️ {name} is linked to <@{home.plain.id}> by an officer's word. Remove that link first.")
    assert await owners(home, name) == [home.plain.id]


async def test_a_candidate_is_chosen_with_the_reasons_in_view_and_the_finding_closes(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    quentin, rosalba = await twins(home, name)
    await insert_note(
        home.services.ctx, await character_id(home, name), guild_note="**raid** @everyone", server_id=home.server.id
    )
    finding = await suggested(home, name)
    shown = await open_card(home, finding)

    said = await press(home, shown, "Choose…")

    assert f"### Whose is {name}?\nPublic note: “\\*\\*raid\\*\\* @\u200beveryone”" in said
    assert f"**{name}** (rosalba) · <@{rosalba}>\n- the nickname is “{name}”" in said
    assert labels_of(shown.response) == [f"{name} @quentin", f"{name} @rosalba", "Not a match", "Back"]
    said = await press(home, shown, f"{name} @quentin")
    assert said.startswith(f"✅ **{name}** is linked to <@{quentin}>: proven, by your word.")
    assert await owners(home, name) == [quentin]
    assert (await state_of(home, finding)).state is State.RESOLVED


async def test_none_of_the_candidates_is_remembered_and_the_character_is_nobodys_again(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    quentin, rosalba = await twins(home, name)
    finding = await suggested(home, name)
    shown = await open_card(home, finding)
    await press(home, shown, "Choose…")

    said = await press(home, shown, "Not a match")

    assert said.startswith(f"✅ **{name}** is not <@{quentin}>, <@{rosalba}>: no rule will suggest that again.")
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert (await orphan(home, name)).subject_id == finding.subject_id


async def test_a_choice_survives_a_restart_and_leads_back_to_the_finding(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    quentin, _ = await twins(home, name)
    finding = await suggested(home, name)
    shown = await open_card(home, finding)
    before = card_of(shown)
    await press(home, shown, "Choose…")
    await home.restart()
    assert await press(home, shown, "Back") == before
    await press(home, shown, "Choose…")
    await home.restart()
    await press(home, shown, f"{name} @quentin")
    assert await owners(home, name) == [quentin]


async def test_of_two_officers_who_choose_the_second_is_told_who_did(home: Home, strangers: list[Character]) -> None:
    name = strangers[0].name
    quentin, _ = await twins(home, name)
    finding = await suggested(home, name)
    mine, theirs = await open_card(home, finding), await open_card(home, finding, home.deputy)
    for shown, actor in ((mine, home.officer), (theirs, home.deputy)):
        await press(home, shown, "Choose…", actor)
    await press(home, mine, f"{name} @quentin")
    said = await press(home, theirs, f"{name} @rosalba", home.deputy)
    assert said.startswith("⚠️ This finding is settled: its cause is gone.")
    assert f"<@{home.officer.id}>" in said
    assert await owners(home, name) == [quentin]


async def test_a_candidate_who_left_meanwhile_is_not_linked(home: Home, strangers: list[Character]) -> None:
    name = strangers[0].name
    quentin, rosalba = await twins(home, name)
    shown = await open_card(home, await suggested(home, name))
    await press(home, shown, "Choose…")
    await leave(home, quentin)
    said = await press(home, shown, f"{name} @quentin")
    assert said.startswith(f"⚠️ <@{quentin}> has left the server. Nothing was linked.")
    said = await press(home, shown, "Choose…")
    assert f"<@{rosalba}>" in said
    assert f"<@{quentin}>" not in said


async def test_a_finding_put_aside_meanwhile_is_not_decided_over(home: Home, strangers: list[Character]) -> None:
    name = strangers[0].name
    await twins(home, name)
    finding = await suggested(home, name)
    shown = await open_card(home, finding)
    await press(home, shown, "Choose…")
    ctx = home.services.ctx
    await findings.resolve(ctx, home.server.id, finding.public_id, note="they know", actor_id=home.deputy.id)
    said = await press(home, shown, f"{name} @quentin")
    assert said.startswith(f"⚠️ <@{home.deputy.id}> resolved this finding meanwhile: `they know`.")
    assert await owners(home, name) == []


async def test_names_full_of_markup_are_shown_as_text_and_ping_nobody(home: Home, strangers: list[Character]) -> None:
    """On the card, in the choice, and in the title of the form."""
    hostile = f"{strangers[0].name} | **@everyone** \u202e"
    both = [home.server.add_member(home.env.create_user(username), nick=hostile) for username in ("ann", "bea")]
    await home.env.advance_time(QUIET_SECONDS)
    shown = await open_card(home, await suggested(home, strangers[0].name))
    said = await press(home, shown, "Choose…")
    for one in both:
        assert f"\\| \\*\\*@\u200beveryone\\*\\*** ({one.name}) · <@{one.id}>" in said
    assert "\u202e" not in said
    member = (await standing(home, "orphan_discord"))[both[0].id]
    form = await home.officer.click((await open_card(home, member)).response, label="Link…")
    assert form.modal is not None
    assert form.modal["title"] == f"Which character is {strangers[0].name} | **@everyone**'s?"[:44].rstrip() + "…"
    await press(home, shown, "Not a match")
    bodies = [call.json for call in home.env.http_requests if isinstance(call.json, dict)]
    answers = [body.get("data", body) for body in bodies]
    cards = [answer for answer in answers if "components" in answer and "title" not in answer]
    assert len(cards) == 4
    assert all(answer["allowed_mentions"] == {"parse": []} for answer in cards)


async def test_a_link_in_doubt_is_kept_proven_by_that_and_not_doubted_again(
    home: Home, strangers: list[Character]
) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    other = await contradict(home, name, "walter_white")
    finding = (await standing(home, "note_mismatch"))[await character_id(home, name)]
    shown = await open_card(home, finding)
    said = await press(home, shown, "Choose…")
    assert f"Linked to <@{namesake.id}>.\n" in said
    assert "🔒 Officer note: “discord: walter\\_white”" in said
    assert labels_of(shown.response) == ["walter_white", "Keep the link", "Back"]

    said = await press(home, shown, "Keep the link")

    assert said.startswith(f"✅ **{name}** stays linked to <@{namesake.id}>: proven, by your word.")
    view = await state_of(home, finding)
    assert (view.state, view.resolved_by) == (State.RESOLVED, home.officer.id)
    assert await owners(home, name) == [namesake.id]
    assert await standing(home, "note_mismatch") == await standing(home, "link_contradicts_note") == {}
    [refused] = await load_actions(home.services.ctx, "link.refuse", home.server.id)
    assert refused.before == {"candidates": [{"user_id": other}]}


async def test_a_contradicted_link_moves_to_whom_the_note_means_even_from_an_officers_word(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    await say(home, name, home.plain)
    other = await contradict(home, name, "walter_white")
    finding = (await standing(home, "link_contradicts_note"))[await character_id(home, name)]
    shown = await open_card(home, finding)
    await press(home, shown, "Choose…")
    said = await press(home, shown, "walter_white")
    assert said.startswith(f"✅ **{name}** is linked to <@{other}>: proven, by your word.")
    assert await owners(home, name) == [other]
    assert (await state_of(home, finding)).state is State.RESOLVED


async def test_a_link_that_another_officer_moved_meanwhile_is_neither_kept_nor_taken_away(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    await say(home, name, home.plain)
    other = await contradict(home, name, "walter_white")
    finding = (await standing(home, "link_contradicts_note"))[await character_id(home, name)]
    choice, unlink = await open_card(home, finding), await open_card(home, finding)
    await press(home, choice, "Choose…")
    ctx = home.services.ctx
    await links.remove(ctx, home.server.id, character_id=finding.subject_id, actor_id=home.deputy.id)
    gone = f"⚠️ `{name}` has no link any more: it was taken away meanwhile, by <@{home.deputy.id}>."
    assert (await press(home, unlink, "Unlink")).startswith(gone)
    await links.add(
        ctx, home.server.id, character_id=finding.subject_id, user_id=home.officer.id, actor_id=home.deputy.id
    )
    told = f"⚠️ `{name}` was linked to <@{home.officer.id}> meanwhile, by <@{home.deputy.id}>."
    assert (await press(home, choice, "Keep the link")).startswith(told)
    assert (await press(home, unlink, "Unlink")).startswith(told)
    assert await owners(home, name) == [home.officer.id]
    assert other not in await owners(home, name)


async def test_a_wrong_link_is_taken_away_and_no_rule_makes_it_again(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await contradict(home, name, "walter_white")
    finding = (await standing(home, "note_mismatch"))[await character_id(home, name)]
    shown = await open_card(home, finding)

    said = await press(home, shown, "Unlink")

    assert said.startswith(f"✅ **{name}** is no longer linked to <@{namesake.id}>. No rule will link them again")
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert namesake.id not in await owners(home, name)
    [act] = await load_actions(home.services.ctx, "link.remove", home.server.id)
    assert act.actor_id == home.officer.id


async def test_an_alias_says_whom_a_note_means_and_what_follows_from_it_closes_the_finding(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    await insert_note(home.services.ctx, await character_id(home, name), officer_note="Mikey", server_id=home.server.id)
    finding = await orphan(home, name)
    shown = await open_card(home, finding)
    form = await home.officer.click(shown.response, label="Add alias…")
    assert "🔒 Officer note: “Mikey”" in str(form.modal)

    await home.officer.submit_modal(form, {"name": "Mikey", "member": [home.plain]})

    assert text_of(shown.response).startswith(f"✅ `Mikey` in notes now means <@{home.plain.id}>.")
    assert await owners(home, name) == [home.plain.id]
    assert (await state_of(home, finding)).state is State.RESOLVED


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": "Mikey"}, "Choose whom the name means: a member or a character, exactly one of them."),
        ({"name": "Mikey", "both": True}, "Choose whom the name means: a member or a character, exactly one of them."),
        ({"name": "42", "character": "theirs"}, "`42` is a number, and notes hold numbers that are no names."),
        ({"name": "-*-", "character": "theirs"}, "That holds no letter or digit that a note could be compared by."),
        ({"name": "Mikey", "character": "Nobody"}, "No character `Nobody` is in"),
    ],
)
async def test_an_alias_that_cannot_be_is_said_why_on_the_card(
    home: Home, strangers: list[Character], values: dict[str, Any], told: str
) -> None:
    name = strangers[0].name
    shown = await open_card(home, await orphan(home, name))
    if values.pop("both", False):
        values |= {"member": [home.plain], "character": name}
    if values.get("character") == "theirs":
        values["character"] = name
    said = await fill_in(home, shown, "Add alias…", **values)
    assert said.startswith(f"⚠️ {told}")
    assert await aliases.list_aliases(home.services.ctx, home.server.id) == []


async def test_an_alias_that_another_officer_set_already_says_who(home: Home, strangers: list[Character]) -> None:
    shown = await open_card(home, await orphan(home, strangers[0].name))
    await aliases.set_alias(
        home.services.ctx, home.server.id, name="Mikey", user_id=home.plain.id, actor_id=home.deputy.id
    )
    said = await fill_in(home, shown, "Add alias…", name="mikey", member=[home.plain])
    assert said.startswith(f"⚠️ `Mikey` means that already, by the word of <@{home.deputy.id}>.")
    said = await fill_in(home, shown, "Add alias…", name="mikey", character=strangers[1].name)
    assert f"in notes now means the character **{strangers[1].name}" in said
    assert f"Before, it meant <@{home.plain.id}>." in said


def test_the_longest_choice_fits_into_a_message() -> None:
    hostile = "*_~`|[]()<>#@" * 8
    why = {
        "rule": "note_names_member",
        "version": 1,
        "strength": 2,
        "source": "officer_note",
        "place": "officer_note",
        "written": hostile,
        "other": hostile,
        "via": None,
    }
    character = CharacterView(
        1, hostile, "", hostile, "", 1, hostile, 80, rank=3, rank_name=hostile, last_login_at=None, half=None
    )
    candidates = tuple(
        SuggestedMember(2**63 - number, hostile, f"user_{number}".ljust(32, "_"), (why,) * 9) for number in range(4)
    )
    suggestion = Choice(character, ("@" * 255, "@" * 255), (), False, candidates, 1_000, (), "0" * 12)
    check_budget(choice_card("x" * 24, suggestion))
    owners = tuple(range(2**63 - 10, 2**63))
    contradiction = replace(suggestion, owner_ids=owners, can_keep=True, reasons=(why,) * 9)
    check_budget(choice_card("x" * 24, contradiction))
