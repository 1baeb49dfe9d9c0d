"""`/setup roles`, from the dry run to the last undo, as officers live through it."""

from datetime import UTC, datetime

import discord
import pytest
import simcord

from bot.services import pipeline, ranks, roles
from bot.services.role_plans import BLOCKS, STOPS, withheld
from bot.services.roles import Failure, RunView
from cogs.common import role_watch
from cogs.common import texts as common_texts
from cogs.common.paginator import check_budget
from cogs.common.role_lines import roles_of
from cogs.members.cog import QUIET_SECONDS
from cogs.setup import roles_cards
from cogs.setup import roles_texts as texts
from cogs.setup.roles_cards import plan_page, plan_parts, run_page, run_parts, show
from domain.ranks import Power, RankTruth
from domain.role_sync import (
    Block,
    Blocked,
    Change,
    ChangeState,
    RoleAct,
    RolePlan,
    RunKind,
    Stop,
    Withheld,
)
from tests.cogs.home import Home, labels_of, text_of
from tests.cogs.ranked import (
    follow_at_once,
    furnish,
    give_by_hand,
    held,
    nobody,
    rank_of,
    role_calls,
    role_named,
    server_of,
    switch,
    take_manage_roles,
    wanted,
)


@pytest.fixture
async def hall(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A server whose three namesakes are proven, whose ranks have roles, and where the game decides."""
    monkeypatch.setattr(role_watch, "LOOK_EVERY", 0.05)
    follow_at_once(monkeypatch)
    await furnish(home)
    return home


@pytest.fixture
async def running(hall: Home) -> Home:
    """The same with role sync switched on, before anything was changed."""
    await switch(hall, on=True)
    return hall


async def open_roles(home: Home, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open the card."""
    result = await (actor or home.officer).slash(home.general, "setup roles")
    assert result.ephemeral
    assert result.response is not None
    return result.response


async def open_preview(home: Home, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open what would change, from the card."""
    shown = await open_roles(home, actor)
    await (actor or home.officer).click(shown, label=texts.PREVIEW_BUTTON)
    return shown


async def apply(home: Home) -> discord.Message:
    """Apply what would change; give the card of the run."""
    shown = await open_preview(home)
    await home.officer.click(shown, label=texts.APPLY_BUTTON)
    return shown


async def begin(home: Home) -> None:
    """Begin all changes, as Apply does, without waking who makes them."""
    ctx, server_id = home.services.ctx, home.server.id
    live = ctx.roles(server_id)
    key = (await roles.preview(ctx, server_id, live)).key
    await roles.start(ctx, server_id, key=key, facts=live, kind=RunKind.APPLY, actor_id=home.officer.id)


async def test_role_sync_is_off_until_somebody_who_saw_the_changes_switches_it_on(hall: Home) -> None:
    shown = await open_roles(hall)
    assert texts.OFF in text_of(shown)
    assert "3 changes for 3 members would follow now." in text_of(shown)
    assert labels_of(shown) == [texts.PREVIEW_BUTTON]
    await hall.officer.click(shown, label=texts.PREVIEW_BUTTON)
    assert STOPS[Stop.OFF] in text_of(shown)
    assert labels_of(shown) == [texts.ON_BUTTON, texts.BACK_BUTTON]
    await hall.officer.click(shown, label=texts.ON_BUTTON)
    assert labels_of(shown) == [texts.APPLY_BUTTON, texts.BACK_BUTTON]
    await hall.env.advance_time(QUIET_SECONDS)
    assert role_calls(hall) == []
    await hall.officer.click(shown, label=texts.BACK_BUTTON)
    assert texts.ON in text_of(shown)
    await hall.officer.click(shown, label=texts.OFF_BUTTON)
    assert texts.OFF in text_of(shown)


async def test_the_preview_names_each_member_with_what_they_get_before_any_change(running: Home) -> None:
    shown = await open_preview(running)
    text = text_of(shown)
    assert text.startswith("## 3 changes for 3 members\n3 roles to give, 0 roles to take. Nothing was changed yet.")
    for name, rank in rank_of(running).items():
        role = role_named(running, f"Rank {rank}")
        assert f"- <@{running.namesakes[name].id}> · gets <@&{role.id}>" in text
    assert role_calls(running) == []


async def test_apply_gives_every_role_by_its_id_and_shows_how_it_went(running: Home) -> None:
    shown = await apply(running)
    assert held(running) == wanted(running)
    assert text_of(shown).startswith("## Role changes done\n")
    assert f"the changes that <@{running.officer.id}> applied" in text_of(shown)
    assert "3 ✅ made" in text_of(shown)
    assert sorted(path.rsplit("/", 3)[1] for _, path in role_calls(running)) == sorted(
        str(member.id) for member in running.namesakes.values()
    )
    assert texts.NOTHING in text_of(await open_preview(running))


async def test_a_role_that_was_renamed_or_has_a_twin_is_given_by_its_id(running: Home) -> None:
    shown = await open_preview(running)
    name, rank = next(iter(rank_of(running).items()))
    role = role_named(running, f"Rank {rank}")
    running.env.backend.edit_role(running.server.id, role.id, {"name": "Elder"})
    running.server.create_role(f"Rank {rank}")
    await running.env.settle()
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    assert "Elder" in held(running)[name]


async def test_of_two_officers_who_apply_the_second_hears_who_did(running: Home) -> None:
    first, second = await open_preview(running), await open_preview(running, running.deputy)
    await running.officer.click(first, label=texts.APPLY_BUTTON)
    await running.deputy.click(second, label=texts.APPLY_BUTTON)
    assert text_of(second).startswith("⚠️ ")
    assert labels_of(second) == [texts.BACK_BUTTON]
    assert len(role_calls(running)) == 3


async def test_nothing_else_is_applied_than_was_shown(running: Home) -> None:
    shown = await open_preview(running)
    name, member = next(iter(running.namesakes.items()))
    right = role_named(running, f"Rank {rank_of(running)[name]}")
    await switch(running, on=False)
    await give_by_hand(running, member, right)
    await switch(running, on=True)
    before = len(role_calls(running))
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    assert "What would change is not what you were shown any more." in text_of(shown)
    assert "## 2 changes for 2 members" in text_of(shown)
    assert len(role_calls(running)) == before
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    assert held(running) == wanted(running)


async def test_who_lost_the_right_since_the_preview_changes_nothing(running: Home) -> None:
    shown = await open_preview(running, running.deputy)
    home_card = await open_roles(running, running.deputy)
    # Else the few changes would follow what was told of the member.
    await switch(running, on=False)
    await running.take_rights(running.deputy)
    await switch(running, on=True)
    late = [
        await running.deputy.click(shown, label=texts.APPLY_BUTTON),
        await running.deputy.click(shown, label=texts.BACK_BUTTON),
        await running.deputy.click(home_card, label=texts.OFF_BUTTON),
        await running.deputy.click(home_card, label=texts.PREVIEW_BUTTON),
    ]
    answers = [text_of([*([one.response] if one.response else []), *one.followups][-1]) for one in late]
    assert answers == [common_texts.OFFICERS_ONLY] * len(late)
    assert role_calls(running) == []


async def test_muster_that_lost_manage_roles_since_the_preview_changes_nothing_and_says_what_to_do(
    running: Home,
) -> None:
    shown = await open_preview(running)
    await take_manage_roles(running)
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    assert STOPS[Stop.NO_RIGHT] in text_of(shown)
    assert labels_of(shown) == [texts.BACK_BUTTON]
    assert role_calls(running) == []
    check = await running.officer.slash(running.general, "setup check")
    assert "❌ Role sync: Muster's role lacks **Manage Roles**" in text_of(check.response)


async def test_what_discord_refuses_is_listed_per_member_and_the_rest_is_done(running: Home) -> None:
    name, member = next(iter(running.namesakes.items()))
    running.env.inject_error(
        "PUT", f"/guilds/{running.server.id}/members/{member.id}/roles/*", status=403, code=50013, times=None
    )
    shown = await apply(running)
    role = role_named(running, f"Rank {rank_of(running)[name]}")
    assert f"❌ <@{member.id}> · <@&{role.id}> not given: " in text_of(shown)
    assert text_of(shown).startswith("## 1 of 3 role changes failed\n")
    assert "2 ✅ made · 1 ❌ failed" in text_of(shown)
    assert held(running) == wanted(running) | {name: set()}
    again = await open_roles(running)
    await running.officer.click(again, label=texts.RUN_BUTTON)
    assert f"❌ <@{member.id}>" in text_of(again)


async def test_a_role_above_musters_own_is_told_with_the_remedy_and_the_rest_is_done(running: Home) -> None:
    name, rank = next(iter(rank_of(running).items()))
    high = role_named(running, f"Rank {rank}")
    top = server_of(running).me.top_role
    running.env.backend.reorder_roles(running.server.id, [{"id": high.id, "position": top.position + 1}])
    await running.env.settle()
    shown = await open_preview(running)
    assert f"⚠️ <@&{high.id}> is left as it is for " in text_of(shown)
    assert "move Muster's role above it" in text_of(shown)
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    assert held(running)[name] == set()
    assert held(running) != nobody(running)
    check = await running.officer.slash(running.general, "setup check")
    assert f"❌ Role sync: <@&{high.id}> of **Rank {rank}** is left as it is" in text_of(check.response)


async def test_the_last_run_is_taken_back_after_a_question_and_role_sync_is_off_then(running: Home) -> None:
    await apply(running)
    shown = await open_roles(running)
    await running.officer.click(shown, label=texts.UNDO_BUTTON)
    assert "## Undo the last run?\n3 role changes will be taken back" in text_of(shown)
    assert held(running) == wanted(running)
    await running.officer.click(shown, label=texts.UNDO_NOW_BUTTON)
    assert held(running) == nobody(running)
    assert f"<@{running.officer.id}> took a run back" in text_of(shown)
    await running.officer.click(shown, label=texts.BACK_BUTTON)
    assert texts.OFF in text_of(shown)
    assert f"**Taken back** by <@{running.officer.id}>." in text_of(shown)
    assert labels_of(shown) == [texts.PREVIEW_BUTTON, texts.RUN_BUTTON]


async def test_of_two_officers_who_undo_the_second_hears_who_did(running: Home) -> None:
    await apply(running)
    first, second = await open_roles(running), await open_roles(running, running.deputy)
    await running.officer.click(first, label=texts.UNDO_BUTTON)
    await running.deputy.click(second, label=texts.UNDO_BUTTON)
    await running.officer.click(first, label=texts.UNDO_NOW_BUTTON)
    await running.deputy.click(second, label=texts.UNDO_NOW_BUTTON)
    assert text_of(second).startswith(f"⚠️ <@{running.officer.id}> has undone this run already.")


async def test_every_card_works_after_a_restart(running: Home) -> None:
    shown = await open_preview(running)
    await running.restart()
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    assert held(running) == wanted(running)
    await running.restart()
    await running.officer.click(shown, label=texts.BACK_BUTTON)
    await running.restart()
    await running.officer.click(shown, label=texts.RUN_BUTTON)
    assert "3 ✅ made" in text_of(shown)
    await running.restart()
    await running.officer.click(shown, label=texts.BACK_BUTTON)
    await running.officer.click(shown, label=texts.UNDO_BUTTON)
    await running.restart()
    await running.officer.click(shown, label=texts.UNDO_NOW_BUTTON)
    assert held(running) == nobody(running)


async def test_a_run_that_a_restart_interrupts_goes_on_and_is_looked_at_again(running: Home) -> None:
    await begin(running)
    shown = await open_roles(running)
    await running.officer.click(shown, label=texts.RUN_BUTTON)
    assert text_of(shown).startswith("## 0 of 3 role changes done with\n")
    assert labels_of(shown) == [texts.AGAIN_BUTTON, texts.BACK_BUTTON]
    await running.restart()
    await running.deliver()
    await running.officer.click(shown, label=texts.AGAIN_BUTTON)
    assert text_of(shown).startswith("## Role changes done\n")
    assert held(running) == wanted(running)


async def test_a_card_that_was_put_away_hinders_no_change(running: Home) -> None:
    shown = await open_preview(running)
    running.env.inject_error("PATCH", "/webhooks/*/messages/@original", status=404, code=10008, times=None)
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    await running.deliver()
    assert held(running) == wanted(running)


async def test_a_long_preview_is_paged_and_says_when_the_changes_are_others(
    running: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles_cards, "MEMBERS_PER_PAGE", 2)
    shown = await open_preview(running)
    assert text_of(shown).count("\n- <@") == 2
    await running.officer.click(shown, label=common_texts.NEXT_PAGE)
    assert text_of(shown).count("\n- <@") == 1
    assert texts.CHANGED not in text_of(shown)
    name, member = next(iter(running.namesakes.items()))
    await switch(running, on=False)
    await give_by_hand(running, member, role_named(running, f"Rank {rank_of(running)[name]}"))
    await switch(running, on=True)
    await running.restart()
    await running.officer.click(shown, label=common_texts.PREVIOUS_PAGE)
    assert text_of(shown).startswith(texts.CHANGED)


async def test_many_failures_are_paged(running: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles_cards, "FAILURES_PER_PAGE", 2)
    path = f"/guilds/{running.server.id}/members/*/roles/*"
    running.env.inject_error("PUT", path, status=403, code=50013, times=None)
    shown = await apply(running)
    assert text_of(shown).count("❌ <@") == 2
    await running.restart()
    await running.officer.click(shown, label=common_texts.NEXT_PAGE)
    assert text_of(shown).count("❌ <@") == 1


async def test_a_run_that_changed_nothing_is_headed_as_failed_and_not_offered_for_undoing(running: Home) -> None:
    path = f"/guilds/{running.server.id}/members/*/roles/*"
    running.env.inject_error("PUT", path, status=403, code=50013, times=None)
    assert text_of(await apply(running)).startswith("## 3 role changes failed\n")
    shown = await open_roles(running)
    assert "3 ❌ failed" in text_of(shown)
    assert texts.UNDO_BUTTON not in labels_of(shown)
    undoable = await running.officer.slash(running.general, "audit undo")
    assert "role change" not in text_of(undoable.response)


async def test_a_role_given_by_hand_is_never_taken(running: Home) -> None:
    name, member = next(iter(running.namesakes.items()))
    other = next(role for role in wanted(running).values() if role != wanted(running)[name])
    await switch(running, on=False)
    await give_by_hand(running, member, role_named(running, next(iter(other))))
    await switch(running, on=True)
    await apply(running)
    assert held(running)[name] == wanted(running)[name] | other


async def test_where_nobody_decides_about_roles_there_is_no_switch_but_the_way_to_it(hall: Home) -> None:
    await ranks.choose_truth(hall.services.ctx, hall.server.id, RankTruth.REPORT_ONLY, actor_id=hall.officer.id)
    shown = await open_preview(hall)
    assert STOPS[Stop.REPORT_ONLY] in text_of(shown)
    assert labels_of(shown) == [texts.BACK_BUTTON]


async def test_a_switch_drawn_before_the_game_stopped_deciding_is_refused(hall: Home) -> None:
    shown = await open_preview(hall)
    await ranks.choose_truth(hall.services.ctx, hall.server.id, RankTruth.REPORT_ONLY, actor_id=hall.officer.id)
    await hall.officer.click(shown, label=texts.ON_BUTTON)
    assert STOPS[Stop.REPORT_ONLY] in text_of(shown)
    assert texts.OFF in text_of(shown)


async def test_while_discord_does_not_show_the_server_nothing_can_be_applied(running: Home) -> None:
    shown = await open_preview(running)
    server_of(running).unavailable = True
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    assert STOPS[Stop.UNSEEN] in text_of(shown)
    assert role_calls(running) == []


async def test_many_changes_wait_as_a_card_in_the_audit_channel_that_leads_to_the_preview(
    running: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "AT_ONCE", 2)
    await running.report_to(running.audit)
    await pipeline.follow_up(running.services.ctx, running.server.id)
    await running.deliver()
    [card] = [message for message in running.audit.history() if "## Role changes wait" in text_of(message)]
    assert "The roles of 3 members differ from their ranks: 3 roles to give, 0 roles to take." in text_of(card)
    assert role_calls(running) == []
    await running.restart()
    result = await running.officer.click(card, label=texts.LOOK_BUTTON)
    assert result.ephemeral
    assert result.response is not None
    assert "## 3 changes for 3 members" in text_of(result.response)
    await running.officer.click(result.response, label=texts.APPLY_BUTTON)
    assert held(running) == wanted(running)
    assert labels_of(card) == [texts.LOOK_BUTTON]


async def test_a_card_that_comes_after_the_changes_were_made_asks_for_nothing(
    running: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "AT_ONCE", 2)
    await running.report_to(running.audit)
    await pipeline.follow_up(running.services.ctx, running.server.id)
    await begin(running)
    await running.deliver()
    [card] = [message for message in running.audit.history() if "## Role changes wait" in text_of(message)]
    assert texts.HELD_NO_MORE in text_of(card)
    assert labels_of(card) == []


async def test_a_role_out_of_reach_is_told_once_in_the_audit_channel_with_the_remedy(running: Home) -> None:
    await running.report_to(running.audit)
    high = role_named(running, next(iter(wanted(running)[next(iter(running.namesakes))])))
    top = server_of(running).me.top_role
    running.env.backend.reorder_roles(running.server.id, [{"id": high.id, "position": top.position + 1}])
    await running.env.settle()
    for _ in range(2):
        await pipeline.follow_up(running.services.ctx, running.server.id)
        await running.deliver()
    [told] = [message for message in running.audit.history() if "out of reach" in text_of(message)]
    assert f"Muster can neither give nor take <@&{high.id}>" in text_of(told)
    assert "move Muster's role above it in Server Settings, Roles" in text_of(told)


async def test_manage_roles_that_muster_lacks_is_told_once_in_the_audit_channel(running: Home) -> None:
    await running.report_to(running.audit)
    await take_manage_roles(running)
    for _ in range(2):
        await pipeline.follow_up(running.services.ctx, running.server.id)
        await running.deliver()
    [told] = [message for message in running.audit.history() if "out of reach" in text_of(message)]
    assert text_of(told) == texts.roles_forbidden(3)


async def test_a_role_of_a_rank_that_was_deleted_is_told_so_and_the_rest_is_done(running: Home) -> None:
    name, rank = next(iter(rank_of(running).items()))
    await role_named(running, f"Rank {rank}").delete()
    await running.env.settle()
    shown = await open_preview(running)
    assert f"⚠️ a deleted role is left as it is for 1 member: {BLOCKS[Block.DELETED]}." in text_of(shown)
    lost = wanted(running)[name]
    await running.officer.click(shown, label=texts.APPLY_BUTTON)
    assert held(running) == {one: (set() if role == lost else role) for one, role in wanted(running).items()}


async def test_the_command_is_for_officers_only(hall: Home) -> None:
    hall.allow("setup", hall.plain)
    result = await hall.plain.slash(hall.general, "setup roles")
    assert hall.refused(result) == common_texts.OFFICERS_ONLY


async def test_without_a_guild_the_command_says_what_to_do(home: Home) -> None:
    result = await home.officer.slash(home.general, "setup roles")
    assert "/setup guild" in home.refused(result)


def test_the_largest_cards_fit_into_a_message() -> None:
    user = 10**18
    changes = tuple(
        Change(user + member, act, user + number) for member in range(1_000) for act in RoleAct for number in range(10)
    )
    plan = RolePlan(
        changes,
        blocked=tuple(Blocked(user + number, Block.MANAGED, 1_000) for number in range(50)),
        withheld=tuple(Withheld(user + number, user, Power.ADMINISTRATOR) for number in range(500)),
        stop=Stop.REPORT_ONLY,
    )
    check_budget(show(plan_parts(plan, plan_page(plan, 3), roles_of(None)), notice=texts.CHANGED))
    longest = max(*BLOCKS.values(), *STOPS.values(), withheld(Power.MENTION_EVERYONE), key=len)
    failures = tuple(Failure(user + number, user, RoleAct.GIVE, ChangeState.FAILED, longest) for number in range(1_000))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    run = RunView("Ab_-0123", RunKind.APPLY, user, moment, moment, user, 0, 5, 5, 1_000, failures)
    check_budget(show(run_parts(run, run_page(run, 7), roles_of(None))))
