"""`/audit rules`, `/audit run` of one rule, and `/audit log` on Discord."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import services
from bot.services import findings, links, options, rules
from bot.services.ranks import Chooser, choose_truth
from bot.services.roles import switch
from cogs.audit import log_texts
from domain.audit import State
from domain.audit_rules import RULES
from domain.ranks import Power, RankTruth
from sandbox.world import Character
from tests.cogs.audit.acting import character_id, standing, state_of
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import read_all, shrink

STRANGERS = 4
OFF = "audit-rules:v1:switch:orphan_wow:off:0"
TITLE = "Characters without a Discord member"


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once: the namesakes are linked by it, these four are nobody's."""
    strangers = shrink(home, STRANGERS)
    await read_all(home)
    return strangers


async def switch_off(home: Home) -> None:
    await rules.switch(home.services.ctx, home.server.id, "orphan_wow", enabled=False, actor_id=home.deputy.id)


async def test_the_rules_are_paged_with_what_they_find_and_how_much_of_it_stands(
    home: Home, strangers: list[Character]
) -> None:
    shown = await home.officer.slash(home.general, "audit rules")
    assert shown.ephemeral
    assert f"**{TITLE}** · 4 open" in card_of(shown)
    first = card_of(shown)
    await home.restart()
    await home.officer.click(shown.response, label="Next")
    both = first + text_of(shown.response)
    assert [rule.name for rule in RULES.values() if rule.title not in both] == []
    assert labels_of(shown.response).count("Switch off") == len(RULES) - 8 - 1


async def test_a_rule_is_switched_off_and_on_by_its_button_and_the_audit_follows(
    home: Home, strangers: list[Character]
) -> None:
    [one, *_] = (await standing(home, "orphan_wow")).values()
    shown = await home.officer.slash(home.general, "audit rules")
    await home.officer.click(shown.response, custom_id=OFF)
    said = text_of(shown.response)
    assert said.startswith(f"✅ {TITLE}: switched off.")
    assert f"~~{TITLE}~~\nSwitched off by <@{home.officer.id}>" in said
    assert await standing(home, "orphan_wow") == {}
    assert (await state_of(home, one)).state is State.RESOLVED
    await home.restart()
    await home.officer.click(shown.response, label="Switch on")
    assert text_of(shown.response).startswith(f"✅ {TITLE}: switched on.")
    assert len(await standing(home, "orphan_wow")) == STRANGERS


async def test_who_switches_second_is_told_who_was_first(home: Home, strangers: list[Character]) -> None:
    shown = await home.officer.slash(home.general, "audit rules")
    await switch_off(home)
    await home.officer.click(shown.response, custom_id=OFF)
    assert text_of(shown.response).startswith(f"⚠️ This rule is switched off already, by <@{home.deputy.id}>.")


async def test_one_rule_is_run_alone_and_one_that_is_off_is_not(home: Home, strangers: list[Character]) -> None:
    said = card_of(await home.officer.slash(home.general, "audit run", rule="orphan_wow"))
    assert "New: **0** · Solved: **0**" in said
    await switch_off(home)
    said = home.refused(await home.officer.slash(home.general, "audit run", rule="orphan_wow"))
    assert f"<@{home.deputy.id}> switched this rule off" in said


async def test_the_log_tells_who_did_what_and_is_filtered(home: Home, strangers: list[Character]) -> None:
    ctx, server_id, name = home.services.ctx, home.server.id, strangers[0].name
    await links.add(
        ctx,
        server_id,
        character_id=await character_id(home, name),
        user_id=home.plain.id,
        actor_id=home.officer.id,
    )
    [other] = [one for one in (await standing(home, "orphan_wow")).values() if one.facts["name"] == strangers[1].name]
    await findings.ignore(
        ctx, server_id, other.public_id, reason="**a** bank @everyone", until=None, actor_id=home.deputy.id
    )

    async def told(**given: object) -> str:
        shown = await home.officer.slash(home.general, "audit log", **given)
        assert shown.ephemeral
        return card_of(shown)

    everything = await told()
    assert f"<@{home.officer.id}> linked **{name}** · <@{home.plain.id}>" in everything
    ignored = f"<@{home.deputy.id}> ignored a finding about **{strangers[1].name}** · {TITLE} · “"
    assert ignored in everything
    assert "@everyone" not in everything
    assert "Muster (`" not in everything
    assert f"<@{home.deputy.id}> ignored" not in await told(member=home.officer)
    assert "linked" not in await told(kind="findings")
    assert "Muster (`orphan_wow`) found a problem of" in await told(by="muster", since="1d")
    assert "Nothing of this kind was done." in await told(kind="roles")
    said = home.refused(await home.officer.slash(home.general, "audit log", since="lately"))
    assert "`lately` is no time." in said


async def test_the_log_pages_after_a_restart_with_its_filters(home: Home, strangers: list[Character]) -> None:
    ctx, server_id = home.services.ctx, home.server.id
    one = await character_id(home, strangers[0].name)
    for _ in range(6):
        await links.add(ctx, server_id, character_id=one, user_id=home.plain.id, actor_id=home.officer.id)
        await links.remove(ctx, server_id, character_id=one, actor_id=home.deputy.id)
    shown = await home.officer.slash(home.general, "audit log", kind="links")
    assert "12 acts\n-# Page 1 of 2" in card_of(shown)
    await home.restart()
    await home.officer.click(shown.response, label="Next")
    said = text_of(shown.response)
    assert "12 acts\n-# Page 2 of 2" in said
    assert said.count("linked **") == 2
    assert "-# Only people, links, claims and aliases" in said


async def test_what_was_switched_is_told_as_on_and_off(home: Home, strangers: list[Character]) -> None:
    ctx, server_id, by = home.services.ctx, home.server.id, home.officer.id
    await options.change(ctx, server_id, {"digest": False}, actor_id=by)
    await choose_truth(ctx, server_id, RankTruth.GAME, actor_id=by)
    await switch(ctx, server_id, True, chooser=Chooser(by, frozenset(Power)))
    said = card_of(await home.officer.slash(home.general, "audit log"))
    assert f"<@{by}> switched role sync · role sync off → on" in said
    assert f"<@{by}> changed options · digest on → off" in said


def written_acts() -> Iterator[str]:
    """Give the names of acts that the services write into the log, as they stand in the code."""
    assert services.__file__ is not None
    for path in Path(services.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "action":
                name = node.args[0] if node.args else None
                if isinstance(name, ast.Constant):
                    yield name.value


def test_every_act_that_the_services_log_has_words() -> None:
    acts = set(written_acts())
    assert len(acts) > 20
    assert acts - set(log_texts.WORDS) == set()
