"""The buttons that mend findings about players: opened, shown, acted on, closed."""

from datetime import timedelta
from typing import Any

import discord
import pytest
import simcord
import sqlalchemy as sa

from bot.services import claims, links, pipeline
from cogs.audit.fixes import players
from db.tables.guilds import Character as CharacterRow
from db.tables.guilds import ProfileCheck
from db.tables.people import Player
from domain.audit import Finding, State
from sandbox.battlenet import Status
from sandbox.world import Character
from tests.cogs.audit.acting import character_id, open_card, owners, standing, state_of
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import join, read_all, shrink
from tests.cogs.player.small import cards, claim, told
from tests.support.people import load_actions
from tests.support.uploads import insert_key

STRANGERS = 4
MANY = 30
MAIN_MENU = "finding:v1:set-main:"


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once: the namesakes are linked by it, these four are nobody's."""
    strangers = shrink(home, STRANGERS)
    await read_all(home)
    return strangers


async def press(
    home: Home, shown: simcord.InteractionResult, label: str, actor: simcord.MemberActor | None = None
) -> str:
    """Press a button of a card; give what the card then shows."""
    await (actor or home.officer).click(shown.response, label=label)
    return text_of(shown.response)


async def say(home: Home, name: str, user_id: int) -> None:
    """Link a character to a member by the deputy's word."""
    await links.add(
        home.services.ctx,
        home.server.id,
        character_id=await character_id(home, name),
        user_id=user_id,
        actor_id=home.deputy.id,
    )


async def one(home: Home, rule: str) -> Finding:
    """Let matching and audit run; give the only finding of a rule."""
    await pipeline.follow_up(home.services.ctx, home.server.id)
    [found] = (await standing(home, rule)).values()
    return found


async def kick(home: Home, user_id: int) -> None:
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    member = server.get_member(user_id)
    assert member is not None
    await member.kick()
    await home.env.advance_time(6)


async def acts(home: Home, action: str) -> list[int | None]:
    """Give who did something, as the log has it."""
    return [row.actor_id for row in await load_actions(home.services.ctx, action, home.server.id)]


# Hiatus


async def forget(home: Home, name: str) -> Finding:
    """Let nobody have played a character for long; give the finding."""
    now = home.clock()
    id_ = await character_id(home, name)
    async with home.services.ctx.sessions.begin() as session:
        (await session.get_one(CharacterRow, id_)).last_login_at = now - timedelta(days=100)
        await session.merge(ProfileCheck(character_id=id_, checked_at=now, last_modified=None))
    return await one(home, "stale_character")


async def mark(home: Home, shown: simcord.InteractionResult, **typed: str) -> str:
    form = await home.officer.click(shown.response, label="Mark hiatus…")
    await home.officer.submit_modal(form, typed)
    return text_of(shown.response)


async def test_a_player_is_marked_as_away_and_whois_shows_and_ends_it(home: Home, strangers: list[Character]) -> None:
    name, member = next(iter(home.namesakes.items()))
    finding = await forget(home, name)
    shown = await open_card(home, finding)
    assert labels_of(shown.response)[:2] == ["Mark hiatus…", "Sync now"]

    said = await mark(home, shown, until="30d", reason="*baby* @everyone")

    end = int((home.clock() + timedelta(days=30)).timestamp())
    assert said.startswith(f"✅ <@{member.id}>: on hiatus until <t:{end}:f>.")
    assert (await state_of(home, finding)).state is State.RESOLVED
    who = await home.officer.slash(home.general, "whois", member=member)
    assert (
        f"💤 **On hiatus** until <t:{end}:f>, because <@{home.officer.id}> said: \\*baby\\* @\u200beveryone"
    ) in card_of(who)
    await home.restart()
    await home.officer.click(who.response, label="Back from hiatus")
    assert "On hiatus" not in text_of(who.response)
    assert labels_of(who.response) == ["Mark hiatus…"]
    assert await one(home, "stale_character") != finding
    assert await acts(home, "player.hiatus") == [home.officer.id] * 2


async def test_who_is_back_already_is_told_so(home: Home, strangers: list[Character]) -> None:
    name, member = next(iter(home.namesakes.items()))
    await mark(home, await open_card(home, await forget(home, name)), reason="baby")
    mine, theirs = [await actor.slash(home.general, "whois", member=member) for actor in (home.officer, home.deputy)]
    await home.officer.click(mine.response, label="Back from hiatus")
    late = await home.deputy.click(theirs.response, label="Back from hiatus")
    assert text_of(late.followups[0]) == "This player is not on hiatus any more."


async def test_a_holiday_is_marked_in_whois_before_anything_is_found(home: Home, strangers: list[Character]) -> None:
    member = next(iter(home.namesakes.values()))
    who = await home.officer.slash(home.general, "whois", member=member)
    form = await home.officer.click(who.response, label="Mark hiatus…")
    await home.restart()
    await home.officer.submit_modal(form, {"until": "", "reason": "travels"})
    assert f"💤 **On hiatus** until somebody says otherwise, because <@{home.officer.id}> said: travels" in text_of(
        who.response
    )
    assert labels_of(who.response) == ["Back from hiatus"]
    lone = await home.officer.slash(home.general, "whois", character=strangers[0].name)
    assert labels_of(lone.response) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"until": "soon", "reason": "baby"}, "⚠️ `soon` is no time. Use days (`30d`)"),
        ({"until": "2025-12-31", "reason": "baby"}, "is over already"),
        ({"until": "", "reason": "\u200b"}, "⚠️ Give a reason for the hiatus"),
    ],
)
async def test_what_cannot_be_read_in_the_form_is_told_on_the_card_and_changes_nothing(
    home: Home, strangers: list[Character], typed: dict[str, str], said: str
) -> None:
    finding = await forget(home, next(iter(home.namesakes)))
    shown = await open_card(home, finding)
    assert said in await mark(home, shown, **typed)
    assert (await state_of(home, finding)).state is not State.RESOLVED
    assert "Mark hiatus…" in labels_of(shown.response)
    assert await acts(home, "player.hiatus") == []


async def test_of_two_officers_with_the_form_open_the_second_is_told_who_was_first(
    home: Home, strangers: list[Character]
) -> None:
    finding = await forget(home, next(iter(home.namesakes)))
    mine, theirs = await open_card(home, finding), await open_card(home, finding, home.deputy)
    form = await home.deputy.click(theirs.response, label="Mark hiatus…")
    await mark(home, mine, reason="baby")
    await home.deputy.submit_modal(form, {"until": "6w", "reason": "travels"})
    assert text_of(theirs.response).startswith("⚠️ ")
    assert f"<@{home.officer.id}>" in text_of(theirs.response)
    assert await acts(home, "player.hiatus") == [home.officer.id]


async def test_nobodys_character_offers_no_hiatus(home: Home, strangers: list[Character]) -> None:
    shown = await open_card(home, await forget(home, strangers[0].name))
    assert labels_of(shown.response)[0] == "Sync now"


# Sync now


async def test_a_character_is_asked_for_now_and_the_finding_closes_where_it_was_played(
    home: Home, strangers: list[Character]
) -> None:
    finding = await forget(home, strangers[0].name)
    strangers[0].last_login = int(home.clock().timestamp()) * 1000
    shown = await open_card(home, finding)
    await home.restart()
    said = await press(home, shown, "Sync now")
    assert said.startswith(f"✅ Read anew: last login <t:{int(home.clock().timestamp())}:R>.")
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert "Sync now" not in labels_of(shown.response)


async def test_battlenet_out_of_reach_is_told_on_the_card(home: Home, strangers: list[Character]) -> None:
    finding = await forget(home, strangers[0].name)
    home.battlenet.faults.add("*/profile/wow/character/*", Status(404))
    shown = await open_card(home, finding)
    assert (await press(home, shown, "Sync now")).startswith("🟡 Battle.net says nothing new: last login ")
    home.battlenet.faults.add("*/profile/wow/character/*", Status(403))
    assert (await press(home, shown, "Sync now")).startswith("⚠️ Battle.net gave no profile of ")
    assert (await state_of(home, finding)).state is not State.RESOLVED


@pytest.mark.parametrize("source", ["roster", "members"])
async def test_old_data_is_read_at_once(home: Home, strangers: list[Character], source: str) -> None:
    home.clock.advance(days=4)
    await (home.sync_members() if source == "roster" else home.sync_roster())
    finding = await one(home, "stale_data")
    shown = await open_card(home, finding)
    said = await press(home, shown, "Sync now")
    assert said.startswith("✅ The roster was read: " if source == "roster" else "✅ The members were read: ")
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert await acts(home, "finding.refresh") == [home.officer.id]


async def test_old_notes_are_not_synced_and_the_card_says_what_brings_them(
    home: Home, strangers: list[Character]
) -> None:
    await insert_key(home.services.ctx, (await home.follow()).id, home.server.id)
    home.clock.advance(days=8)
    await home.sync_roster()
    await home.sync_members()
    shown = await open_card(home, await one(home, "stale_data"))
    said = "**Notes** · never uploaded · limit: 7 days · an uploader plays with the addon and types `/reload`"
    assert said in card_of(shown)
    assert "Sync now" not in labels_of(shown.response)


async def test_a_member_list_that_does_not_come_whole_is_told_and_nobody_is_changed(
    home: Home, strangers: list[Character]
) -> None:
    home.clock.advance(days=4)
    await home.sync_roster()
    finding = await one(home, "stale_data")
    home.env.inject_error("GET", "/guilds/*/members", status=403, code=50001)
    shown = await open_card(home, finding)
    assert (await press(home, shown, "Sync now")).startswith("⚠️ Discord did not give the whole member list")
    assert (await state_of(home, finding)).state is not State.RESOLVED


async def test_a_race_that_is_new_to_muster_is_asked_for(home: Home, strangers: list[Character]) -> None:
    await home.read_profiles()
    async with home.services.ctx.sessions.begin() as session:
        await session.execute(
            sa.text("INSERT INTO common.races (id, name) VALUES (999, 'Other') ON CONFLICT DO NOTHING")
        )
        await session.execute(sa.text("DELETE FROM common.races WHERE id <> 999"))
    await pipeline.follow_up(home.services.ctx, home.server.id)
    found = await standing(home, "unknown_reference")
    finding = next(iter(found.values()))
    shown = await open_card(home, finding)
    assert (await press(home, shown, "Sync now")).startswith("✅ Battle.net calls it **")
    assert await standing(home, "unknown_reference") == {}


# Main


async def lose_main(home: Home, strangers: list[Character]) -> Finding:
    """Let the first stranger, the main of who owns all four, leave the guild; give the finding."""
    for each in strangers:
        await say(home, each.name, home.plain.id)
    async with home.services.ctx.sessions.begin() as session:
        main = await character_id(home, strangers[0].name)
        player_id = (await links.whois_member(home.services.ctx, home.server.id, home.plain.id)).public_id
        await session.execute(sa.update(Player).where(Player.public_id == player_id).values(main_character_id=main))
    home.sample.world.leave(strangers[0])
    await home.sync_roster()
    return await one(home, "main_not_linked")


def offered(message: discord.Message, custom_id: str) -> list[str]:
    """Give what a menu offers."""
    pending: list[Any] = list(message.components)
    while pending:
        component = pending.pop()
        component = component if isinstance(component, dict) else component.to_dict()
        if component.get("custom_id", "").startswith(custom_id):
            return [option["label"] for option in component["options"]]
        pending += component.get("components", [])
    raise AssertionError(f"no menu {custom_id}")


async def main_of(home: Home) -> int | None:
    return (await links.whois_member(home.services.ctx, home.server.id, home.plain.id)).main_id


async def choose(
    home: Home, shown: simcord.InteractionResult, finding: Finding, value: str, actor: simcord.MemberActor | None = None
) -> str:
    await (actor or home.officer).select(shown.response, [value], custom_id=f"{MAIN_MENU}{finding.public_id}")
    return text_of(shown.response)


async def test_a_main_is_chosen_from_their_characters_in_the_guild(home: Home, strangers: list[Character]) -> None:
    finding = await lose_main(home, strangers)
    shown = await open_card(home, finding)
    await press(home, shown, "Choose main…")
    menu = offered(shown.response, MAIN_MENU)
    assert menu[0] == "No main"
    assert set(menu[1:]) == {each.name for each in strangers[1:]}
    chosen = await character_id(home, strangers[1].name)
    await home.restart()

    said = await choose(home, shown, finding, str(chosen))

    assert said.startswith(f"✅ The main is now **{strangers[1].name}**.")
    assert await main_of(home) == chosen
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert await acts(home, "player.main") == [home.officer.id]


async def test_none_is_chosen_and_the_way_back_leaves_all_as_it_was(home: Home, strangers: list[Character]) -> None:
    finding = await lose_main(home, strangers)
    shown = await open_card(home, finding)
    await press(home, shown, "Choose main…")
    await press(home, shown, "Back")
    assert "Choose main…" in labels_of(shown.response)
    await press(home, shown, "Choose main…")
    assert (await choose(home, shown, finding, "none")).startswith("✅ The main is now none.")
    assert await main_of(home) is None
    assert (await state_of(home, finding)).state is State.RESOLVED


async def test_of_two_officers_who_choose_the_second_is_told_who_was_first(
    home: Home, strangers: list[Character]
) -> None:
    finding = await lose_main(home, strangers)
    mine, theirs = await open_card(home, finding), await open_card(home, finding, home.deputy)
    await press(home, mine, "Choose main…")
    await press(home, theirs, "Choose main…", home.deputy)
    chosen = await character_id(home, strangers[1].name)
    await choose(home, mine, finding, str(chosen))
    said = await choose(home, theirs, finding, "none", home.deputy)
    assert said.startswith(
        f"⚠️ This finding is settled: its cause is gone. The last one who acted on it is <@{home.officer.id}>."
    )
    assert await main_of(home) == chosen


async def test_a_character_that_left_since_the_menu_was_drawn_is_not_chosen(
    home: Home, strangers: list[Character]
) -> None:
    finding = await lose_main(home, strangers)
    shown = await open_card(home, finding)
    await press(home, shown, "Choose main…")
    chosen = await character_id(home, strangers[1].name)
    home.sample.world.leave(strangers[1])
    await home.sync_roster()
    assert "not theirs or not in the guild any more" in await choose(home, shown, finding, str(chosen))
    assert (await state_of(home, finding)).state is not State.RESOLVED


async def test_settled_meanwhile_the_button_shows_how_it_stands(home: Home, strangers: list[Character]) -> None:
    finding = await lose_main(home, strangers)
    shown = await open_card(home, finding)
    home.sample.world.join(strangers[0], home.sample.guild, 5)
    await home.sync_roster()
    assert (await press(home, shown, "Choose main…")).startswith("⚠️ This finding is settled: its cause is gone.")
    assert "Choose main…" not in labels_of(shown.response)


async def test_who_has_more_characters_than_a_menu_holds_pages_through_them(home: Home) -> None:
    many = shrink(home, MANY)
    await read_all(home)
    finding = await lose_main(home, many)
    shown = await open_card(home, finding)
    assert "-# Page 1 of 2" in await press(home, shown, "Choose main…")
    first = offered(shown.response, MAIN_MENU)
    assert len(first) == players.MENU_SIZE + 1
    await press(home, shown, "Next")
    second = offered(shown.response, MAIN_MENU)
    assert len(set(first) | set(second)) == MANY
    last = await character_id(home, second[-1])
    await choose(home, shown, finding, str(last))
    assert await main_of(home) == last


# Unlink


async def test_the_link_of_a_member_who_left_ends_with_the_characters_of_nobody_else(
    home: Home, strangers: list[Character]
) -> None:
    await say(home, strangers[0].name, home.plain.id)
    await kick(home, home.plain.id)
    finding = await one(home, "stale_discord_link")
    shown = await open_card(home, finding)

    said = await press(home, shown, "Unlink")

    assert said.startswith(f"✅ <@{home.plain.id}> is no longer linked. Nobody's now: **{strangers[0].name}**.")
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert await owners(home, strangers[0].name) == []
    assert await acts(home, "member.unlink") == [home.officer.id]


async def test_of_two_officers_who_unlink_the_second_is_told_who_was_first(
    home: Home, strangers: list[Character]
) -> None:
    await say(home, strangers[0].name, home.plain.id)
    await kick(home, home.plain.id)
    finding = await one(home, "stale_discord_link")
    mine, theirs = await open_card(home, finding), await open_card(home, finding, home.deputy)
    await home.restart()
    await press(home, mine, "Unlink")
    said = await press(home, theirs, "Unlink", home.deputy)
    assert f"The last one who acted on it is <@{home.officer.id}>." in said
    assert await acts(home, "member.unlink") == [home.officer.id]


# Merge and reject


async def collide(home: Home, strangers: list[Character]) -> tuple[Finding, int]:
    """Let an officer confirm a claim that makes one player of two; give the finding and the other member."""
    other = await join(home, "quentin")
    await home.report_to(home.audit)
    await say(home, strangers[0].name, other)
    await say(home, strangers[1].name, home.plain.id)
    await claim(home, strangers[0].name)
    await home.deliver()
    [card] = cards(home)
    assert "Confirm lets it wait as a finding, where officers merge the two players or reject it." in text_of(card)
    await home.officer.click(card, label="Confirm")
    [card] = cards(home)
    assert "⏳ Confirmed, and it waits as a finding" in text_of(card)
    assert labels_of(card) == ["Refuse"]
    [found] = (await standing(home, "duplicate_discord")).values()
    return found, other


async def test_two_players_are_merged_after_a_look_at_both(home: Home, strangers: list[Character]) -> None:
    finding, other = await collide(home, strangers)
    shown = await open_card(home, finding, home.deputy)
    said = await press(home, shown, "Merge…", home.deputy)
    assert f"• <@{home.plain.id}>: **{strangers[1].name}**\n• <@{other}>: **{strangers[0].name}**" in said
    assert await owners(home, strangers[0].name) == [other], "nothing is done yet"
    await home.restart()

    said = await press(home, shown, "Merge the two players", home.deputy)

    assert said.startswith(f"✅ <@{home.plain.id}> and <@{other}> are one player now.")
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert sorted(await owners(home, strangers[0].name)) == sorted([home.plain.id, other])
    await home.deliver()
    assert told(home, home.plain)[0].startswith("## Claim confirmed")
    assert await claims.open_claims(home.services.ctx, home.server.id) == ()


async def test_a_proof_is_rejected_and_the_claim_with_it(home: Home, strangers: list[Character]) -> None:
    finding, other = await collide(home, strangers)
    shown = await open_card(home, finding)
    await press(home, shown, "Merge…")
    await press(home, shown, "Back")
    said = await press(home, shown, "Reject")
    assert said.startswith(f"✅ Rejected: <@{home.plain.id}> is not <@{other}>. It is remembered.")
    assert (await state_of(home, finding)).state is State.RESOLVED
    assert await owners(home, strangers[0].name) == [other]
    await home.deliver()
    assert told(home, home.plain)[0].startswith("## Claim refused")


@pytest.mark.parametrize("late", ["Merge…", "Reject"])
async def test_what_another_officer_decided_meanwhile_is_told(
    home: Home, strangers: list[Character], late: str
) -> None:
    finding, _ = await collide(home, strangers)
    mine, theirs = await open_card(home, finding), await open_card(home, finding, home.deputy)
    await press(home, mine, "Reject")
    said = await press(home, theirs, late, home.deputy)
    assert said.startswith(
        f"⚠️ This finding is settled: its cause is gone. The last one who acted on it is <@{home.officer.id}>."
    )
    assert await acts(home, "proof.reject") == [home.officer.id]


async def test_a_claim_that_was_withdrawn_settles_the_finding(home: Home, strangers: list[Character]) -> None:
    finding, _ = await collide(home, strangers)
    shown = await open_card(home, finding)
    await press(home, shown, "Merge…")
    [waiting] = await claims.open_claims(home.services.ctx, home.server.id)
    await claims.withdraw(home.services.ctx, home.server.id, public_id=waiting.public_id, actor_id=home.plain.id)
    assert (await press(home, shown, "Merge the two players")).startswith("⚠️ This proof waits no longer.")
    await pipeline.follow_up(home.services.ctx, home.server.id)
    assert (await state_of(home, finding)).state is State.RESOLVED
