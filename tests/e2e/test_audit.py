"""A thousand characters and four hundred problems of all kinds: found, shown, mended in Discord, through kill -9."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.embedded import EmbeddedPostgres
from domain.audit_rules import RULES
from sandbox.discord import Exchange
from sandbox.stage import LONG
from tests.e2e.office import Office, ids_of, options_of
from tests.e2e.planted import NICKNAME, UNMAPPED, newer_game, newer_races, plant
from tests.support.wholeness import FAULTS

PROBLEMS = 400
AT_LEAST = 3
BUT_ONE_OR_TWO = {"held_departures": 1, "stale_data": 2}
"""All that wait are one finding, and there are but two lists to read."""
VOUCHED_AT_ONCE = 10
ASKED, CHANGED = 20, 5
"""Profiles that were read, and roles that were given, when the process is killed."""
LINKS = """
    SELECT count(*) FROM guild_identity.player_characters JOIN common.wow_characters AS c ON c.id = character_id"""
WORD = """
    SELECT count(*) FROM guild_identity.action_log JOIN common.wow_characters AS c ON c.id = subject_id
    WHERE action = 'link.add' AND actor_id IS NOT NULL"""
ASKED_TWICE = """
    SELECT subject_id FROM guild_identity.action_log WHERE action = 'finding.refresh' AND rule = 'stale_character'
    GROUP BY subject_id HAVING count(*) > 1"""
LEDGER = "SELECT user_id, role_id FROM guild_identity.role_ledger"
UNFINISHED = "SELECT id FROM guild_identity.role_runs WHERE finished_at IS NULL"


@pytest.fixture(scope="module")
async def office(data_dir: Path) -> AsyncIterator[Office]:
    """Give the planted guild with everything read and all its problems there, but no place where they are told yet."""
    url = EmbeddedPostgres(data_dir).url()
    async with Office(plant(), url, {"MUSTER_DATA_DIR": str(data_dir)}) as office:
        await office.open_house()
        await office.plant()
        yield office


def made(office: Office) -> set[tuple[int, int]]:
    """Give each member and role that Discord has let Muster give."""
    paths = (
        one.path.split("/")
        for one in office.recorded
        if isinstance(one, Exchange) and one.method == "PUT" and one.status == 204 and "/roles/" in one.path
    )
    return {(int(path[-3]), int(path[-1])) for path in paths}


def profiles_asked(office: Office) -> int:
    return sum("/wow/character/" in one.path for one in office.battlenet.requests)


async def test_every_kind_of_problem_is_found_and_shown_in_the_audit_channel(office: Office) -> None:
    planted = office.planted.size.planted
    assert planted.keys() == RULES.keys() - {"rule_failed"}
    assert all(number >= BUT_ONE_OR_TWO.get(rule, AT_LEAST) for rule, number in planted.items())
    assert sum(planted.values()) == PROBLEMS

    assert "Audit channel" in await office.say("setup channels", {"audit": office.audit_channel})
    assert "in the guild" in await office.say("sync roster")
    told_apart = {"held_departures", "stale_data"}
    assert await office.counted() == {rule: number for rule, number in planted.items() if rule not in told_apart}
    assert f"{office.planted.size.absent} characters went missing" in await office.posted("Departures held")

    await office.let_data_grow_old()
    assert f"Open now: **{PROBLEMS}**" in await office.say("audit run")
    assert "**2 findings** new since" in await office.posted("Data that is out of date (2)")
    assert await office.standing() == planted


async def test_what_is_old_held_or_unknown_is_mended_by_its_own_button(office: Office) -> None:
    for _ in range(2):
        assert "read:" in await office.mend("stale_data", "Sync now")

    card = await office.card("held_departures")
    question = await office.form(card, "Apply")
    await office.press(question, custom_id=ids_of(question, "departures:v1:apply:")[0])
    assert f"{office.planted.size.absent} characters left" in await office.posted("Departures applied")
    await office.gone("held_departures")

    with newer_game(), newer_races():
        while (await office.standing())["unknown_reference"]:
            assert "Battle.net calls it" in await office.mend("unknown_reference", "Sync now")

    for left, rank in enumerate(UNMAPPED, 1):
        card = await office.card("unmapped_rank")
        await office.press(card, "Ranks and roles")
        await office.map_rank(card, rank)
        await office.gone("unmapped_rank", but=len(UNMAPPED) - left)

    card = await office.card("main_not_linked")
    await office.press(card, "Choose main…")
    [menu] = ids_of(card, "finding:v1:set-main:")
    none, own = options_of(card, menu)
    assert none == "none"
    await office.choose(card, menu, own, sees="The main is now")
    assert await office.mend_all("main_not_linked", "Choose none") == office.planted.size.mainless - 1


async def test_links_that_are_wrong_or_in_doubt_are_mended_by_their_buttons(office: Office) -> None:
    planted = office.planted
    assert "no longer linked" in await office.mend("stale_discord_link", "Unlink")
    assert await office.mend_all("stale_discord_link", "Unlink") == planted.size.left - 1

    assert "one player now" in await office.mend("duplicate_discord", "Merge…", "Merge the two players")
    for _ in planted.claims[1:]:
        assert "It is remembered" in await office.mend("duplicate_discord", "Reject")

    for rule in ("link_contradicts_note", "note_mismatch"):
        assert "stays linked" in await office.mend(rule, "Choose…", "Keep the link")
        assert "is linked to" in await office.pick_first(rule)
        assert "no longer linked" in await office.mend(rule, "Unlink")
    assert await office.mend_all("note_mismatch", "Unlink") == planted.size.doubted - AT_LEAST

    nobodys, *others = planted.twins
    assert "not" in await office.mend("link_suggestion", "Choose…", "Not a match", name=nobodys.name)
    for twin in others:
        assert "is linked to" in await office.pick_first("link_suggestion", name=twin.name)
    # Whom the notes name by now is proposed too for what was unlinked.
    while left := (await office.standing())["link_suggestion"]:
        done = await office.mend_all("link_suggestion", "Link to the one proposed")
        assert done == min(left, VOUCHED_AT_ONCE)


async def test_an_officers_word_that_a_kill_9_interrupts_is_given_once(office: Office) -> None:
    orphan, person = office.planted.orphans[0], office.planted.clean[0]
    where = f"c.name = '{orphan.name}'"
    whose = {"member": [office.user_of(person)]}
    card = await office.card("orphan_wow", orphan.name)
    form = await office.form(card, "Link…")
    sent = asyncio.Event()

    async def send() -> None:
        await office.discord.submit_modal(form, whose, within=LONG)
        sent.set()

    await office.cut_short(send(), when=sent.is_set)
    assert "Audit done" in await office.say("audit run")
    if await office.rows(f"{LINKS} WHERE {where}") == [(0,)]:
        assert "by your word" in await office.mend_with("orphan_wow", "Link…", whose, name=orphan.name)
    assert await office.rows(f"{LINKS} WHERE {where}") == await office.rows(f"{WORD} AND {where}") == [(1,)]


async def test_orphans_and_strangers_are_linked_or_settled(office: Office) -> None:
    _, person, *_ = office.planted.clean
    _, *orphans = office.planted.orphans
    meaning = {"name": NICKNAME, "member": [office.user_of(person)]}
    called = office.planted.called[0].name
    before = (await office.standing())["orphan_wow"]
    assert NICKNAME in await office.mend_with("orphan_wow", "Add alias…", meaning, name=called)
    assert (await office.standing())["orphan_wow"] == before - office.planted.size.called
    for orphan in orphans[:AT_LEAST]:
        assert "by your word" in await office.mend_with("orphan_discord", "Link…", {"character": orphan.name})
    for rule in ("orphan_wow", "orphan_discord"):
        left = (await office.standing())[rule]
        assert await office.mend_all(rule, "Resolve…", reason="guests of ours") == left


async def test_a_bulk_that_a_kill_9_interrupts_goes_on_with_what_is_left(office: Office) -> None:
    for character in office.planted.stale:
        character.last_login = int(datetime.now(UTC).timestamp() * 1000)
    name = office.planted.stale[0].name
    assert "Read anew" in await office.mend("stale_character", "Sync now", name=name)
    for person in office.planted.away:
        said = {"reason": "a baby", "until": "6w"}
        name = person.characters[1].name
        assert "on hiatus" in await office.mend_with("stale_character", "Mark hiatus…", said, name=name)
    total = (await office.standing())["stale_character"]
    assert total == office.planted.size.stale - 1

    preview, confirm = await office.preview_all("stale_character", "Ask Battle.net now")
    before = profiles_asked(office)
    await office.cut_short(
        office.press(preview, custom_id=confirm), when=lambda: profiles_asked(office) >= before + ASKED
    )
    assert 0 < await office.mend_all("stale_character", "Ask Battle.net now") < total
    assert (await office.standing())["stale_character"] == 0
    assert await office.rows(ASKED_TWICE) == []


async def test_roles_that_a_kill_9_interrupts_are_given_to_the_end_and_noted_once(office: Office) -> None:
    home = await office.meanwhile(office.command("setup roles"))
    await office.press(home, "What would change")
    await office.press(home, "Switch on")
    for rule in ("role_mismatch", "no_guild_role"):
        card = await office.card(rule)
        await office.press(card, "Set role")
        assert "1 ✅ made" in await office.press(card, "Apply")

    home = await office.meanwhile(office.command("setup roles"))
    await office.press(home, "What would change")
    [apply] = ids_of(home, "roles:v1:apply:")
    before = len(made(office))
    await office.cut_short(office.press(home, custom_id=apply), when=lambda: len(made(office)) >= before + CHANGED)
    await office.until_none(UNFINISHED)
    assert set(await office.rows(LEDGER)) == made(office)
    assert len(made(office)) > before + CHANGED


async def test_nothing_is_left_and_nothing_was_lost_or_doubled(office: Office) -> None:
    assert "Nothing is open." in await office.say("audit run")
    assert await office.standing() == {}
    assert "0 findings" in await office.say("audit report")
    assert "Nothing to report." in await office.posted("Nothing to report.")
    for fault, sql in FAULTS.items():
        assert await office.rows(sql) == [], fault
    assert not any("Traceback" in line or " ERROR " in line for line in office.bot.log)
