"""All findings of a type fixed at once, from the list's button to the audit that closes them, and taken back."""

from datetime import timedelta

import pytest
import simcord

from bot.services import findings, pipeline
from cogs.audit import undo_texts
from cogs.audit.fixes import bulk_texts
from db.tables.guilds import Character as CharacterRow
from db.tables.guilds import ProfileCheck
from db.tables.roles import RoleChange, RoleRun
from domain.audit import Finding, State
from domain.role_sync import ChangeState, RoleAct, RunKind
from sandbox.battlenet import Status
from sandbox.world import Character
from tests.cogs.audit.acting import character_id, owners, standing, state_of
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import join, read_all, shrink
from tests.support.people import load_actions

STRANGERS = 4


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once: the namesakes are linked by it, these four are nobody's."""
    strangers = shrink(home, STRANGERS)
    await read_all(home)
    return strangers


async def open_list(
    home: Home, rule: str = "orphan_wow", actor: simcord.MemberActor | None = None
) -> simcord.InteractionResult:
    return await (actor or home.officer).slash(home.general, "audit list", type=rule)


async def preview(
    home: Home, label: str, rule: str = "orphan_wow", actor: simcord.MemberActor | None = None
) -> simcord.InteractionResult:
    """Open a type's list and press on to what would be done."""
    actor = actor or home.officer
    shown = await open_list(home, rule, actor)
    await actor.click(shown.response, label="Fix all…")
    await actor.click(shown.response, label=label)
    return shown


async def confirm(
    home: Home,
    shown: simcord.InteractionResult,
    *,
    actor: simcord.MemberActor | None = None,
    reason: str = "bank alts",
    **typed: str,
) -> str:
    """Press the confirmation, and give the reason where a form asks for one; give what the card then shows."""
    actor = actor or home.officer
    form = await actor.click(shown.response, label=labels_of(shown.response)[-2])
    if form.modal is not None:
        await actor.submit_modal(form, {"reason": reason, **typed})
    return text_of(shown.response)


async def states(home: Home, found: dict[int, Finding]) -> set[State]:
    return {(await state_of(home, one)).state for one in found.values()}


async def orphans(home: Home) -> dict[int, Finding]:
    return await standing(home, "orphan_wow")


async def forget(home: Home, strangers: list[Character]) -> None:
    """Let nobody have played these characters for long, as far as Muster knows."""
    async with home.services.ctx.sessions.begin() as session:
        for one in strangers:
            id_ = await character_id(home, one.name)
            (await session.get_one(CharacterRow, id_)).last_login_at = home.clock() - timedelta(days=100)
            await session.merge(ProfileCheck(character_id=id_, checked_at=home.clock(), last_modified=None))
    await pipeline.follow_up(home.services.ctx, home.server.id)


async def test_all_findings_of_a_type_are_shown_ignored_and_brought_back(
    home: Home, strangers: list[Character]
) -> None:
    found = await orphans(home)
    shown = await preview(home, "Ignore…")
    assert "Ignore 4 findings?" in text_of(shown.response)
    assert all(one.name in text_of(shown.response) for one in strangers)
    assert labels_of(shown.response) == ["Ignore 4…", "Back"]
    assert "4 findings ignored" in await confirm(home, shown, until="30d")
    assert await states(home, found) == {State.IGNORED}

    undo = await home.deputy.slash(home.general, "audit undo")
    assert undo.ephemeral
    assert f"ignored by <@{home.officer.id}>" in card_of(undo)
    await home.deputy.click(undo.response, label="Undo…")
    assert "4 findings are watched again" in text_of(undo.response)
    await home.deputy.click(undo.response, label="Watch 4 again")
    assert "4 findings watched again" in text_of(undo.response)
    assert undo_texts.EMPTY in text_of(undo.response)
    assert await states(home, found) <= {State.OPEN, State.NOTIFIED}


async def test_all_findings_of_a_type_are_resolved_with_a_reason(home: Home, strangers: list[Character]) -> None:
    found = await orphans(home)
    assert "4 findings resolved" in await confirm(home, await preview(home, "Resolve…"))
    assert {(await state_of(home, one)).note for one in found.values()} == {"bank alts"}
    assert await states(home, found) == {State.RESOLVED}
    assert not await orphans(home)


async def test_a_bulk_from_a_list_of_one_rank_is_about_that_rank(home: Home, strangers: list[Character]) -> None:
    rank = strangers[0].rank
    same = sum(one.rank == rank for one in strangers)
    shown = await home.officer.slash(home.general, "audit list", type="orphan_wow", rank=rank)
    await home.officer.click(shown.response, label="Fix all…")
    await home.officer.click(shown.response, label="Ignore…")
    assert labels_of(shown.response)[-2] == f"Ignore {same}…"


async def test_what_changed_between_preview_and_confirmation_is_shown_anew_and_nothing_is_done(
    home: Home, strangers: list[Character]
) -> None:
    found = await orphans(home)
    shown = await preview(home, "Ignore…")
    first = next(iter(found.values()))
    await findings.ignore(
        home.services.ctx, home.server.id, first.public_id, reason="mine", until=None, actor_id=home.deputy.id
    )
    text = await confirm(home, shown)
    assert "has changed meanwhile, and nothing was done" in text
    assert labels_of(shown.response) == ["Ignore 3…", "Back"]
    assert len(await orphans(home)) == 3


async def test_the_second_of_two_officers_is_told_who_was_first(home: Home, strangers: list[Character]) -> None:
    mine, theirs = await preview(home, "Ignore…"), await preview(home, "Ignore…", actor=home.deputy)
    await confirm(home, mine)
    assert f"<@{home.officer.id}> confirmed this already" in await confirm(home, theirs, actor=home.deputy)
    assert len(await load_actions(home.services.ctx, "finding.ignore", home.server.id)) == 4


async def test_a_reason_of_nothing_is_refused_and_the_preview_stays(home: Home, strangers: list[Character]) -> None:
    shown = await preview(home, "Ignore…")
    assert "Say why" in await confirm(home, shown, reason="\u200b")
    assert labels_of(shown.response) == ["Ignore 4…", "Back"]


async def test_a_preview_is_confirmed_after_a_restart(home: Home, strangers: list[Character]) -> None:
    shown = await preview(home, "Ignore…")
    await home.restart()
    assert "4 findings ignored" in await confirm(home, shown)


async def test_back_leads_from_the_preview_to_the_choice_and_from_there_to_the_list(
    home: Home, strangers: list[Character]
) -> None:
    shown = await preview(home, "Resolve…")
    await home.officer.click(shown.response, label="Back")
    assert bulk_texts.QUESTION in text_of(shown.response)
    await home.officer.click(shown.response, label="Back")
    assert "Fix all…" in labels_of(shown.response)


async def suggest_all(home: Home, strangers: list[Character]) -> list[int]:
    """Let members join whose names are almost those of the strangers, so that each is proposed for one."""
    joined = [await join(home, f"someone{number}", nick=f"{one.name}123") for number, one in enumerate(strangers)]
    assert len(await standing(home, "link_suggestion")) == len(strangers)
    return joined


async def test_every_one_proposed_is_linked_and_the_findings_close(home: Home, strangers: list[Character]) -> None:
    joined = await suggest_all(home, strangers)
    shown = await preview(home, "Link to the one proposed", "link_suggestion")
    assert all(f"<@{user_id}>" in text_of(shown.response) for user_id in joined)
    text = await confirm(home, shown)
    assert "4 of 4 done" in text
    assert {tuple(await owners(home, one.name)) for one in strangers} == {(user_id,) for user_id in joined}
    assert not await standing(home, "link_suggestion")


async def test_what_cannot_be_fixed_is_listed_with_its_reason_and_the_rest_is_done(
    home: Home, strangers: list[Character]
) -> None:
    await forget(home, strangers)
    broken = strangers[1].name
    home.battlenet.faults.add(f"/eu/profile/wow/character/*/{broken.lower()}", Status(403), times=9)
    shown = await preview(home, "Ask Battle.net now", "stale_character")
    text = await confirm(home, shown)
    assert "3 of 4 done" in text
    assert "1 finding could not be fixed" in text
    assert f"Battle.net gave no profile of {broken}" in text
    left = [one.facts["name"] for one in (await standing(home, "stale_character")).values()]
    assert broken in left
    assert strangers[0].name not in left
    await home.officer.click(shown.response, label="Again")
    assert labels_of(shown.response)[-2] == f"Ask about {len(left)}"


async def test_a_member_without_rights_confirms_nothing(home: Home, strangers: list[Character]) -> None:
    found = await orphans(home)
    shown = await preview(home, "Ignore…")
    await home.take_rights(home.officer)
    form = await home.officer.click(shown.response, label="Ignore 4…")
    assert form.modal is None
    assert State.IGNORED not in await states(home, found)


async def test_nothing_to_take_back_says_so(home: Home, strangers: list[Character]) -> None:
    assert undo_texts.EMPTY in card_of(await home.officer.slash(home.general, "audit undo"))


async def test_what_somebody_else_took_back_meanwhile_is_said(home: Home, strangers: list[Character]) -> None:
    await confirm(home, await preview(home, "Resolve…"))
    mine = await home.officer.slash(home.general, "audit undo")
    theirs = await home.deputy.slash(home.general, "audit undo")
    for actor, shown in ((home.officer, mine), (home.deputy, theirs)):
        await actor.click(shown.response, label="Undo…")
    await home.officer.click(mine.response, label="Watch 4 again")
    await home.deputy.click(theirs.response, label="Watch 4 again")
    assert "Nothing of this is left to take back" in text_of(theirs.response)
    assert len(await load_actions(home.services.ctx, "finding.reopen", home.server.id)) == 4


async def test_back_from_the_question_takes_nothing_back(home: Home, strangers: list[Character]) -> None:
    found = await orphans(home)
    await confirm(home, await preview(home, "Ignore…"))
    shown = await home.officer.slash(home.general, "audit undo")
    await home.officer.click(shown.response, label="Undo…")
    await home.officer.click(shown.response, label="Back")
    assert labels_of(shown.response) == ["Undo…"]
    assert await states(home, found) == {State.IGNORED}


async def test_the_last_run_of_role_changes_is_taken_back_by_the_button_of_setup_roles(home: Home) -> None:
    now = home.clock()
    async with home.services.ctx.sessions.begin() as session:
        run = RoleRun(
            public_id="run-0123", server_id=home.server.id, kind=RunKind.APPLY, actor_id=home.deputy.id, started_at=now
        )
        session.add(run)
        await session.flush()
        session.add(
            RoleChange(
                server_id=home.server.id,
                run_id=run.id,
                user_id=home.plain.id,
                role_id=1,
                act=RoleAct.GIVE,
                state=ChangeState.DONE,
                finished_at=now,
            )
        )
    shown = await home.officer.slash(home.general, "audit undo")
    assert f"1 role change**\n-# by <@{home.deputy.id}>" in card_of(shown)
    await home.officer.click(shown.response, label="Undo…")
    assert undo_texts.TITLE not in text_of(shown.response)
    assert "Undo…" not in labels_of(shown.response)
