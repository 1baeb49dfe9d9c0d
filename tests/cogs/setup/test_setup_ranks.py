from typing import Any

import discord
import pytest
import simcord

from bot.services import audit, ranks
from bot.services.ranks import Chooser, RanksView, RankView
from cogs.common import texts as common_texts
from cogs.common.live_roles import role_facts
from cogs.common.paginator import check_budget, count_text
from cogs.setup import ranks_texts as texts
from cogs.setup.ranks import officers_card, rank_card, ranks_card
from domain.ranks import NAME_LIMIT, Power, RankTruth
from tests.cogs.home import Home, card_of, text_of
from tests.support.people import load_actions

RANKS, TRUTH = "ranks:v1:rank", "ranks:v1:truth"
RANK = 3
ROLE_MENU, OFFICER_MENU = f"ranks:v1:role:{RANK}", "ranks:v1:role:officers"
STRING_SELECT = 3


@pytest.fixture
async def hall(home: Home) -> Home:
    """Let the guild's roster be read once."""
    await home.sync_roster()
    return home


async def view(home: Home) -> RanksView:
    return await ranks.view(home.services.ctx, home.server.id)


def server_of(home: Home) -> discord.Guild:
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    return server


async def role(home: Home, name: str, *powers: str) -> int:
    """Create a role; give its id."""
    made = home.server.create_role(name, permissions=discord.Permissions(**dict.fromkeys(powers, True)))
    await home.env.settle()
    return made.id


async def open_ranks(home: Home, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open the card of all ranks."""
    result = await (actor or home.officer).slash(home.general, "setup ranks")
    assert result.ephemeral
    assert result.response is not None
    return result.response


async def open_rank(home: Home, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open the card of a rank, from that of all."""
    shown = await open_ranks(home, actor)
    await (actor or home.officer).select(shown, [str(RANK)], custom_id=RANKS)
    return shown


async def council(home: Home) -> simcord.MemberActor:
    """Let a role make officers; give who has nothing but it, and sees the commands."""
    made = home.server.create_role("Council")
    await home.env.settle()
    chooser = Chooser(home.officer.id, frozenset({Power.MANAGE_SERVER}))
    server = server_of(home)
    found = server.get_role(made.id)
    assert found is not None
    await ranks.choose_officer_role(home.services.ctx, home.server.id, role_facts(found), chooser=chooser)
    actor = home.server.add_member(home.env.create_user("cora"), roles=[made])
    await home.env.advance_time(6)
    home.allow("setup", actor)
    return actor


def offered(message: discord.Message, custom_id: str) -> list[str]:
    """Give what a menu offers."""
    pending: list[Any] = list(message.components)
    while pending:
        component = pending.pop()
        component = component if isinstance(component, dict) else component.to_dict()
        if component["type"] == STRING_SELECT and component["custom_id"] == custom_id:
            return [option["label"] for option in component["options"]]
        pending += component.get("components", [])
    raise AssertionError(f"no menu {custom_id}")


def said(result: simcord.InteractionResult) -> str:
    """Give what followed a click beside the card."""
    answers = [*([result.response] if result.response else []), *result.followups]
    return text_of(answers[-1])


async def test_the_card_shows_each_rank_that_occurs_with_role_count_and_age(hall: Home) -> None:
    text = text_of(await open_ranks(hall))
    found = (await view(hall)).ranks
    assert text.startswith(f"## Ranks of {hall.sample.guild.name}\n")
    for rank in found:
        assert f"`{rank.index}` **Rank {rank.index}** · no role · {texts.count(rank.characters)}" in text
    assert sum(rank.characters for rank in found) == 60
    assert "**Officers**: who has Manage Server; no role makes officers yet." in text
    assert texts.GRANT_HINT in text


async def test_the_roster_can_lag_a_promotion_by_hours_so_the_age_of_the_data_stands_beside_the_ranks(
    hall: Home,
) -> None:
    age = f"-# As the roster had it <t:{int(hall.clock().timestamp())}:R>; the game may be hours ahead."
    shown = await open_ranks(hall)
    assert age in text_of(shown)
    await hall.officer.select(shown, [str(RANK)], custom_id=RANKS)
    assert age in text_of(shown)


async def test_two_ranks_that_the_game_calls_alike_are_told_apart_in_the_menu(hall: Home) -> None:
    alike = [rank.index for rank in (await view(hall)).ranks[:2]]
    for index in alike:
        await ranks.rename(hall.services.ctx, hall.server.id, index, "Officer", actor_id=hall.officer.id)
    assert offered(await open_ranks(hall), RANKS)[:2] == [f"Officer (rank {index})" for index in alike]


async def test_before_the_first_roster_the_card_says_what_to_do(home: Home) -> None:
    await home.follow()
    shown = await open_ranks(home)
    assert "Run `/sync roster` first." in text_of(shown)
    with pytest.raises(AssertionError, match="no menu"):
        offered(shown, RANKS)


async def test_without_a_guild_the_command_says_what_to_do(home: Home) -> None:
    result = await home.officer.slash(home.general, "setup ranks")
    assert "/setup guild" in home.refused(result)


async def test_a_rank_is_mapped_by_menus_and_what_rules_say_about_it_follows(hall: Home) -> None:
    await hall.sync_members()
    veteran = await role(hall, "Veteran")
    shown = await open_rank(hall)
    assert text_of(shown).startswith(f"## Rank {RANK}\n")
    assert "Role: no role" in text_of(shown)
    await hall.officer.select(shown, [str(veteran)], custom_id=ROLE_MENU)
    assert f"Role: <@&{veteran}>" in text_of(shown)
    assert (await view(hall)).rank(RANK).role_id == veteran
    standing = await audit.standing(hall.services.ctx, hall.server.id)
    others = {rank.index for rank in (await view(hall)).ranks} - {RANK}
    assert {finding.subject_id for finding in standing if finding.rule == "unmapped_rank"} == others
    await hall.officer.click(shown, label=texts.BACK_BUTTON)
    assert f"`{RANK}` **Rank {RANK}** · <@&{veteran}> · " in text_of(shown)
    await hall.officer.select(shown, [str(RANK)], custom_id=RANKS)
    await hall.officer.select(shown, ["none"], custom_id=ROLE_MENU)
    assert (await view(hall)).rank(RANK).role_id is None


async def test_a_role_that_was_renamed_stays_mapped_by_its_id(hall: Home) -> None:
    veteran = await role(hall, "Veteran")
    twin = await role(hall, "Veteran")
    await hall.officer.select(await open_rank(hall), [str(veteran)], custom_id=ROLE_MENU)
    hall.env.backend.edit_role(hall.server.id, veteran, {"name": "Elder"})
    await hall.env.settle()
    assert f"· <@&{veteran}> ·" in text_of(await open_ranks(hall))
    assert (await view(hall)).rank(RANK).role_id == veteran != twin


async def test_a_rank_is_named_in_a_form_that_holds_the_name_it_has(hall: Home) -> None:
    shown = await open_rank(hall)
    form = await hall.officer.click(shown, label=texts.NAME_BUTTON)
    await hall.restart()
    await hall.officer.submit_modal(form, {"name": " Council of *Elders* "})
    assert text_of(shown).startswith(f"## Council of \\*Elders\\* (rank {RANK})\n")
    form = await hall.officer.click(shown, label=texts.NAME_BUTTON)
    assert "Council of *Elders*" in str(form.modal)
    await hall.officer.submit_modal(form, {"name": ""})
    assert text_of(shown).startswith(f"## Rank {RANK}\n")
    named = await load_actions(hall.services.ctx, "rank.name", hall.server.id)
    assert [row.actor_id for row in named] == [hall.officer.id] * 2


async def test_never_offered_are_everyone_managed_roles_those_above_muster_and_powers_of_others(hall: Home) -> None:
    await role(hall, "Raider")
    await role(hall, "Admin", "administrator")
    high = await role(hall, "High Council")
    top = server_of(hall).me.top_role
    hall.env.backend.reorder_roles(hall.server.id, [{"id": high, "position": top.position + 1}])
    booster = await role(hall, "Booster")
    hall.env.backend.guilds[hall.server.id].roles[booster].managed = True
    hall.env.backend.edit_role(hall.server.id, booster, {"name": "Nitro Booster"})
    await hall.env.settle()
    await role(hall, "Moderator", "ban_members")
    menu = offered(await open_rank(hall), ROLE_MENU)
    assert menu == ["No role", "Officers", "Raider"]


async def test_roles_that_stand_too_high_are_counted_with_what_to_do(hall: Home) -> None:
    assert "too high" not in text_of(await open_rank(hall))
    for number in (1, 2):
        high = await role(hall, f"High {number}")
        top = server_of(hall).me.top_role
        hall.env.backend.reorder_roles(hall.server.id, [{"id": high, "position": top.position + number}])
    await hall.env.settle()
    text = text_of(await open_rank(hall))
    assert "2 roles stand too high: to choose from all, move Muster's role up in Server Settings → Roles." in text


async def test_a_role_that_rose_above_muster_since_the_card_was_drawn_is_refused_with_the_reason(hall: Home) -> None:
    veteran = await role(hall, "Veteran")
    shown = await open_rank(hall)
    top = server_of(hall).me.top_role
    hall.env.backend.reorder_roles(hall.server.id, [{"id": veteran, "position": top.position + 1}])
    await hall.env.settle()
    result = await hall.officer.select(shown, [str(veteran)], custom_id=ROLE_MENU)
    assert "`Veteran` can't be chosen: it is not below Muster's own role" in said(result)
    assert (await view(hall)).rank(RANK).role_id is None
    assert "Veteran" not in offered(await open_rank(hall), ROLE_MENU)


async def test_a_mapped_role_that_muster_can_no_longer_give_is_told_with_the_reason(hall: Home) -> None:
    veteran = await role(hall, "Veteran")
    shown = await open_rank(hall)
    await hall.officer.select(shown, [str(veteran)], custom_id=ROLE_MENU)
    top = server_of(hall).me.top_role
    hall.env.backend.reorder_roles(hall.server.id, [{"id": veteran, "position": top.position + 1}])
    await hall.env.settle()
    assert f"⚠️ <@&{veteran}>" in text_of(await open_ranks(hall))
    assert "Move Muster's role above it" in text_of(await open_rank(hall))


async def test_a_deleted_role_is_shown_as_deleted_and_can_be_replaced(hall: Home) -> None:
    veteran, elder = await role(hall, "Veteran"), await role(hall, "Elder")
    shown = await open_rank(hall)
    await hall.officer.select(shown, [str(veteran)], custom_id=ROLE_MENU)
    gone = server_of(hall).get_role(veteran)
    assert gone is not None
    await gone.delete()
    await hall.env.settle()
    late = await hall.officer.select(shown, [str(veteran)], custom_id=ROLE_MENU)
    assert said(late) == texts.ROLE_GONE
    fresh = await open_ranks(hall)
    assert f"`{RANK}` **Rank {RANK}** · ⚠️ deleted role · " in text_of(fresh)
    check = card_of(await hall.officer.slash(hall.general, "setup check"))
    assert f"⚠️ Ranks: the role of **Rank {RANK}** was deleted," in check
    await hall.officer.select(fresh, [str(RANK)], custom_id=RANKS)
    assert texts.DELETED_HINT in text_of(fresh)
    await hall.officer.select(fresh, [str(elder)], custom_id=ROLE_MENU)
    assert f"Role: <@&{elder}>" in text_of(fresh)
    assert "Ranks:" not in card_of(await hall.officer.slash(hall.general, "setup check"))


async def test_two_hundred_roles_are_paged_and_chosen_after_a_restart(hall: Home) -> None:
    for number in range(200):
        hall.server.create_role(f"Role {number}")
    await hall.env.settle()
    shown = await open_rank(hall)
    assert len(offered(shown, ROLE_MENU)) == 25
    assert "Page 1 of 9" in text_of(shown)
    await hall.restart()
    await hall.officer.click(shown, label="Next")
    assert "Page 2 of 9" in text_of(shown)
    name = offered(shown, ROLE_MENU)[5]
    chosen = next(one for one in server_of(hall).roles if one.name == name)
    await hall.officer.select(shown, [str(chosen.id)], custom_id=ROLE_MENU)
    assert (await view(hall)).rank(RANK).role_id == chosen.id
    assert "Page 2 of 9" in text_of(shown)


async def test_a_powerful_role_asks_for_its_name_and_takes_no_other_answer(hall: Home) -> None:
    admin = await role(hall, "Warlord", "administrator")
    chiefs = hall.server.create_role("Chiefs", permissions=discord.Permissions(administrator=True))
    chief = hall.server.add_member(hall.env.create_user("chief"), roles=[chiefs])
    await hall.env.advance_time(6)
    shown = await open_rank(hall, chief)
    form = await chief.select(shown, [str(admin)], custom_id=ROLE_MENU)
    assert "it gives Administrator" in str(form.modal)
    await hall.restart()
    wrong = await chief.submit_modal(form, {"name": "warlord"})
    assert "That is not the role's name, so nothing was changed." in said(wrong)
    assert (await view(hall)).rank(RANK).role_id is None
    form = await chief.select(shown, [str(admin)], custom_id=ROLE_MENU)
    await chief.submit_modal(form, {"name": " Warlord "})
    assert f"Role: <@&{admin}>" in text_of(shown)


async def test_a_role_that_became_powerful_since_the_card_was_drawn_is_refused(hall: Home) -> None:
    veteran = await role(hall, "Veteran")
    shown = await open_rank(hall)
    powers = discord.Permissions(manage_roles=True).value
    hall.env.backend.edit_role(hall.server.id, veteran, {"permissions": powers})
    await hall.env.settle()
    result = await hall.officer.select(shown, [str(veteran)], custom_id=ROLE_MENU)
    assert "it gives Manage Roles, which you don't have yourself" in said(result)
    assert (await view(hall)).rank(RANK).role_id is None


async def test_the_officer_role_is_chosen_and_makes_officers(hall: Home) -> None:
    made = hall.server.create_role("Council")
    cora = hall.server.add_member(hall.env.create_user("cora"), roles=[made])
    await hall.env.advance_time(6)
    hall.allow("setup", cora)
    assert common_texts.OFFICERS_ONLY in hall.refused(await cora.slash(hall.general, "setup ranks"))
    shown = await open_ranks(hall)
    await hall.officer.click(shown, label=texts.OFFICERS_BUTTON)
    await hall.officer.select(shown, [str(made.id)], custom_id=OFFICER_MENU)
    assert f"**Officers**: who has Manage Server or <@&{made.id}>." in text_of(shown)
    assert f"**Officers**: who has Manage Server or <@&{made.id}>." in text_of(await open_ranks(hall, cora))
    await hall.officer.select(shown, ["none"], custom_id=OFFICER_MENU)
    assert (await view(hall)).officer_role_id is None


async def test_an_officer_by_role_alone_maps_ranks_but_never_chooses_who_is_an_officer(hall: Home) -> None:
    cora = await council(hall)
    veteran = await role(hall, "Veteran")
    shown = await open_rank(hall, cora)
    assert not {"Council", "Officers"} & set(offered(shown, ROLE_MENU))
    await cora.select(shown, [str(veteran)], custom_id=ROLE_MENU)
    assert (await view(hall)).rank(RANK).role_id == veteran
    await cora.click(shown, label=texts.BACK_BUTTON)
    refused = await cora.click(shown, label=texts.OFFICERS_BUTTON)
    assert said(refused) == "Only members with Manage Server choose who is an officer. Nothing was changed."


async def test_a_menu_drawn_with_manage_server_does_not_choose_officers_without_it(hall: Home) -> None:
    veteran = await role(hall, "Veteran")
    await council(hall)
    before = (await view(hall)).officer_role_id
    assert before is not None
    shown = await open_ranks(hall, hall.deputy)
    await hall.deputy.click(shown, label=texts.OFFICERS_BUTTON)
    deputy = server_of(hall).get_member(hall.deputy.id)
    council_role = server_of(hall).get_role(before)
    assert deputy is not None
    assert council_role is not None
    await deputy.edit(roles=[council_role])
    await hall.env.advance_time(6)
    result = await hall.deputy.select(shown, [str(veteran)], custom_id=OFFICER_MENU)
    assert "Only members with Manage Server" in said(result)
    assert (await view(hall)).officer_role_id == before


async def test_a_deleted_officer_role_is_told(hall: Home) -> None:
    await council(hall)
    council_role = server_of(hall).get_role((await view(hall)).officer_role_id or 0)
    assert council_role is not None
    await council_role.delete()
    await hall.env.settle()
    assert "**Officers**: who has Manage Server or ⚠️ deleted role." in text_of(await open_ranks(hall))
    check = card_of(await hall.officer.slash(hall.general, "setup check"))
    assert "⚠️ Officers: the officer role was deleted. Choose another with `/setup ranks`." in check


async def test_the_check_says_that_the_officer_role_sees_the_commands_once_the_server_grants_them(hall: Home) -> None:
    await council(hall)
    check = card_of(await hall.officer.slash(hall.general, "setup check"))
    assert (
        f"✅ Officers: who has Manage Server or <@&{(await view(hall)).officer_role_id}>. Who has only the role sees "
        "the officers' commands once the server grants them in Server Settings → Integrations → Muster."
    ) in check


async def test_the_rank_truth_is_chosen_after_a_restart_too(hall: Home) -> None:
    shown = await open_ranks(hall)
    await hall.restart()
    await hall.officer.select(shown, [RankTruth.GAME.value], custom_id=TRUTH)
    assert (await view(hall)).truth is RankTruth.GAME
    await hall.officer.select(shown, [RankTruth.REPORT_ONLY.value], custom_id=TRUTH)
    assert (await view(hall)).truth is RankTruth.REPORT_ONLY


async def test_who_lost_the_right_since_the_card_was_drawn_changes_nothing(hall: Home) -> None:
    veteran = await role(hall, "Veteran")
    shown = await open_rank(hall, hall.deputy)
    all_ranks = await open_ranks(hall, hall.deputy)
    form = await hall.deputy.click(shown, label=texts.NAME_BUTTON)
    await hall.take_rights(hall.deputy)
    late = [
        await hall.deputy.select(shown, [str(veteran)], custom_id=ROLE_MENU),
        await hall.deputy.click(shown, label=texts.NAME_BUTTON),
        await hall.deputy.click(shown, label=texts.BACK_BUTTON),
        await hall.deputy.submit_modal(form, {"name": "Mine"}),
        await hall.deputy.select(all_ranks, [str(RANK)], custom_id=RANKS),
        await hall.deputy.select(all_ranks, [RankTruth.GAME.value], custom_id=TRUTH),
        await hall.deputy.click(all_ranks, label=texts.OFFICERS_BUTTON),
    ]
    assert [said(result) for result in late] == [common_texts.OFFICERS_ONLY] * len(late)
    now = await view(hall)
    assert (now.rank(RANK).role_id, now.rank(RANK).name, now.truth) == (None, None, RankTruth.REPORT_ONLY)


async def test_while_discord_does_not_tell_the_roles_none_is_taken_for_deleted(hall: Home) -> None:
    veteran = await role(hall, "Veteran")
    shown = await open_rank(hall)
    server_of(hall).unavailable = True
    for result in (
        await hall.officer.slash(hall.general, "setup ranks"),
        await hall.officer.select(shown, [str(veteran)], custom_id=ROLE_MENU),
        await hall.officer.click(shown, label=texts.BACK_BUTTON),
    ):
        assert said(result) == texts.SERVER_UNAVAILABLE
    assert hall.env.errors
    assert (await view(hall)).rank(RANK).role_id is None


async def test_during_an_outage_nothing_is_changed_as_the_answer_says(hall: Home) -> None:
    veteran = await role(hall, "Veteran")
    shown = await open_rank(hall)
    await hall.officer.select(shown, [str(veteran)], custom_id=ROLE_MENU)
    form = await hall.officer.click(shown, label=texts.NAME_BUTTON)
    all_ranks = await open_ranks(hall)
    server_of(hall).unavailable = True
    for result in (
        await hall.officer.select(shown, ["none"], custom_id=ROLE_MENU),
        await hall.officer.submit_modal(form, {"name": "Elder"}),
        await hall.officer.select(all_ranks, [RankTruth.GAME.value], custom_id=TRUTH),
    ):
        assert said(result) == texts.SERVER_UNAVAILABLE
    now = await view(hall)
    assert (now.rank(RANK).role_id, now.rank(RANK).name, now.truth) == (veteran, None, RankTruth.REPORT_ONLY)


async def test_a_rank_whose_name_draws_nothing_is_called_by_its_number(hall: Home) -> None:
    form = await hall.officer.click(await open_rank(hall), label=texts.NAME_BUTTON)
    await hall.officer.submit_modal(form, {"name": "\u3164"})
    shown = await open_ranks(hall)
    assert f"**Rank {RANK}**" in text_of(shown)
    assert f"Rank {RANK}" in offered(shown, RANKS)


async def test_the_command_is_for_officers_only(hall: Home) -> None:
    hall.allow("setup", hall.plain)
    assert hall.refused(await hall.plain.slash(hall.general, "setup ranks")) == common_texts.OFFICERS_ONLY


async def test_the_largest_cards_fit_into_a_message(hall: Home) -> None:
    for number in range(60):
        hall.server.create_role("*" * 90 + str(number))
    await hall.env.settle()
    server = server_of(hall)
    roles = server.roles[1:11]
    largest = tuple(RankView(index, "*" * NAME_LIMIT, roles[index].id, 1_000) for index in range(10))
    full = RanksView("*" * 24, hall.clock(), largest, roles[0].id, RankTruth.GAME)
    chooser = Chooser(1, frozenset(Power))
    for card in (ranks_card(full, server), rank_card(full, 3, server, chooser, 1), officers_card(full, server, 1)):
        check_budget(card)
        assert count_text(card) < 3_000
