from dataclasses import replace
from typing import Any

import pytest
import simcord
import sqlalchemy as sa

from bot.services import audit, links, matching, options, pipeline
from bot.services.matching import Plan, PlannedCharacter, PlannedLink
from cogs.common.paginator import check_budget
from cogs.link.match_ui import show_choice, show_plan
from db.tables.audit import Action
from db.tables.identity import CharacterNote
from db.tables.people import PlayerCharacter, PlayerMember
from domain.errors import Unavailable
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.identity import Link
from domain.links import Confidence, LinkMode, Source
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import join, read_all, shrink
from tests.support.tree import components_of

HOSTILE = "*_~`|[]()<>#@" * 8
SELECT = 3


@pytest.fixture
async def hall(home: Home) -> Home:
    """A guild that was read once and leaves links to its officers: three would be made."""
    shrink(home, 2)
    await home.follow()
    await set_mode(home, LinkMode.SUGGEST)
    await read_all(home)
    return home


async def set_mode(home: Home, mode: LinkMode) -> None:
    ctx = home.services.ctx
    await options.change(ctx, home.server.id, {"link_mode": mode.value}, actor_id=home.officer.id)


async def match(home: Home, actor: simcord.MemberActor | None = None) -> simcord.InteractionResult:
    return await (actor or home.officer).slash(home.general, "link match")


async def sources(home: Home) -> dict[str, set[Source]]:
    """Give where both halves of each namesake's link come from."""
    found: dict[str, set[Source]] = {}
    async with home.services.ctx.sessions() as session:
        for name, namesake in home.namesakes.items():
            character_id = await links.resolve_character(home.services.ctx, home.server.id, name)
            owned = await session.get(PlayerCharacter, (home.server.id, character_id))
            attached = await session.get(PlayerMember, (home.server.id, namesake.id))
            if owned is not None and attached is not None and owned.player_id == attached.player_id:
                found[name] = {owned.source, attached.source}
    return found


def menu_of(message: Any) -> dict[str, Any]:
    return next(component for component in components_of(message) if component["type"] == SELECT)


def planned(count: int, *, confidence: Confidence = Confidence.HIGH, name: str = "Ana", round_: int = 1) -> Plan:
    """Make a plan of so many links."""
    reason = Evidence(RuleName.NOTE_NAMES_MEMBER, Strength.GOOD, Source.OFFICER_NOTE, Place.OFFICER_NOTE, name, name)
    found = tuple(
        PlannedLink(
            Link(number, 2**63 - number, confidence, (reason,), round_),
            PlannedCharacter(number, name, name, number % 10),
            name,
        )
        for number in range(1, count + 1)
    )
    hits = tuple((rule, round_, 1_000) for rule in RuleName for round_ in range(1, 6))
    return Plan("Ab_-01234567", found, hits, 10_000, 1_000, 1_000)


async def test_a_dry_run_shows_each_link_with_its_reason_and_changes_nothing(hall: Home) -> None:
    shown = await match(hall)
    assert shown.ephemeral
    said = card_of(shown)
    assert "## 3 links could be made\n**3** with high confidence." in said
    for name, namesake in hall.namesakes.items():
        assert f"- **{name}** → {name} · <@{namesake.id}>\n  -# the nickname is “{name}”" in said
    assert "Mode suggestions only" in said
    assert labels_of(shown.response) == ["Apply 3 links", "Choose…", "Cancel"]
    assert await sources(hall) == {}


async def test_the_hits_of_each_rule_and_pass_are_counted(hall: Home) -> None:
    said = card_of(await match(hall))
    assert "```\nDecided by, in pass    1\nEqual name             3\n```" in said


async def test_applying_makes_the_links_as_inferred_ones_and_the_audit_follows(hall: Home) -> None:
    shown = await match(hall)
    ctx, orphans = hall.services.ctx, {namesake.id for namesake in hall.namesakes.values()}
    before = {one.subject_id for one in await audit.standing(ctx, hall.server.id) if one.rule == "orphan_discord"}
    assert orphans <= before

    await hall.officer.click(shown.response, label="Apply 3 links")

    said = text_of(shown.response)
    assert said.startswith("## 3 links made\nThen: ")
    assert "findings solved" in said
    assert await sources(hall) == {name: {Source.NAME} for name in hall.namesakes}
    after = {one.subject_id for one in await audit.standing(ctx, hall.server.id) if one.rule == "orphan_discord"}
    assert not orphans & after
    async with ctx.sessions() as session:
        actors = await session.scalars(sa.select(Action.actor_id).where(Action.action == "link.add"))
        assert set(actors) == {hall.officer.id}


async def test_links_are_told_as_made_though_what_follows_cannot_be_done_now(
    hall: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await match(hall)

    async def stopping(*_: object) -> None:
        raise Unavailable("Muster is stopping.")

    monkeypatch.setattr(pipeline, "follow_up", stopping)
    await hall.officer.click(shown.response, label="Apply 3 links")

    assert text_of(shown.response).startswith("## 3 links made\n⚠️ Muster is stopping.")
    assert len(await sources(hall)) == 3


async def test_apply_works_after_a_restart(hall: Home) -> None:
    shown = await match(hall)
    await hall.restart()
    await hall.officer.click(shown.response, label="Apply 3 links")
    assert len(await sources(hall)) == 3


async def test_nothing_else_is_applied_than_was_shown(hall: Home) -> None:
    shown = await match(hall)
    strange = next(one for one in hall.sample.world.members(hall.sample.guild) if one.name not in hall.namesakes)
    await join(hall, "late", nick=strange.name)

    await hall.officer.click(shown.response, label="Apply 3 links")

    said = text_of(shown.response)
    assert said.startswith(f"⚠️ {matching.LOOK_AGAIN}\n## 4 links could be made")
    assert await sources(hall) == {}
    await hall.officer.click(shown.response, label="Apply 4 links")
    assert text_of(shown.response).startswith("## 4 links made")


async def test_of_two_officers_who_apply_the_second_sees_that_it_is_done(hall: Home) -> None:
    mine, theirs = await match(hall), await match(hall, hall.deputy)
    await hall.deputy.click(theirs.response, label="Apply 3 links")
    await hall.officer.click(mine.response, label="Apply 3 links")
    assert text_of(mine.response).startswith(f"⚠️ {matching.LOOK_AGAIN}\n## Nothing to link")


async def test_cancelling_links_nothing(hall: Home) -> None:
    shown = await match(hall)
    await hall.officer.click(shown.response, label="Cancel")
    assert text_of(shown.response).startswith("Nothing was linked.")
    assert labels_of(shown.response) == []
    assert await sources(hall) == {}


async def test_what_is_chosen_is_linked_and_the_rest_stays_proposed(hall: Home) -> None:
    shown = await match(hall)
    await hall.restart()
    await hall.officer.click(shown.response, label="Choose…")
    first, second = menu_of(shown.response)["options"][:2]
    name = next(name for name in hall.namesakes if first["label"] == f"{name} → {name}")
    assert first["description"] == f"the nickname is “{name}”"
    assert menu_of(shown.response)["max_values"] == 3
    await hall.restart()

    await hall.officer.select(shown.response, [first["value"]])

    assert set(await sources(hall)) == {name}
    said = text_of(shown.response)
    assert said.startswith("✅ 1 link made.")
    assert "## 2 links could be made" in said
    assert menu_of(shown.response)["options"][0]["value"] == second["value"]
    await hall.officer.click(shown.response, label="Back")
    assert labels_of(shown.response) == ["Apply 2 links", "Choose…", "Cancel"]


async def test_a_less_sure_link_is_made_only_when_it_is_chosen_and_stays_less_sure(hall: Home) -> None:
    ctx, (name, namesake) = hall.services.ctx, next(iter(hall.namesakes.items()))
    character_id = await links.resolve_character(ctx, hall.server.id, name)
    note = CharacterNote(
        server_id=hall.server.id, character_id=character_id, guild_note="discord: mia", guild_note_at=ctx.clock()
    )
    async with ctx.sessions.begin() as session:
        session.add(note)

    shown = await match(hall)
    assert f"- **{name}** → {name} · <@{namesake.id}> · *medium*" in card_of(shown)
    await hall.officer.click(shown.response, label="Apply 2 of high confidence")
    assert name not in await sources(hall)
    shown = await match(hall)
    await hall.officer.click(shown.response, label="Choose…")
    [option] = menu_of(shown.response)["options"]
    assert option["description"] == f"medium: the nickname is “{name}”"
    await hall.officer.select(shown.response, [option["value"]])

    async with ctx.sessions() as session:
        owned = await session.get_one(PlayerCharacter, (hall.server.id, character_id))
    assert (owned.source, owned.confidence, owned.linked_by) == (Source.NAME, Confidence.MEDIUM, None)


async def test_a_whole_page_is_linked_at_once(hall: Home) -> None:
    shown = await match(hall)
    await hall.officer.click(shown.response, label="Choose…")
    await hall.officer.click(shown.response, label="Link all of this page")
    said = text_of(shown.response)
    assert said.startswith("✅ 3 links made.\nThen: ")
    assert "## Nothing to link" in said
    assert len(await sources(hall)) == 3


@pytest.mark.parametrize("act", ["choice", "page"])
async def test_nothing_is_chosen_from_a_plan_that_has_changed(hall: Home, act: str) -> None:
    shown = await match(hall)
    await hall.officer.click(shown.response, label="Choose…")
    name = next(iter(hall.namesakes))
    character_id = await links.resolve_character(hall.services.ctx, hall.server.id, name)
    await links.add(
        hall.services.ctx, hall.server.id, character_id=character_id, user_id=hall.plain.id, actor_id=hall.deputy.id
    )
    if act == "choice":
        await hall.officer.select(shown.response, [menu_of(shown.response)["options"][-1]["value"]])
    else:
        await hall.officer.click(shown.response, label="Link all of this page")
    said = text_of(shown.response)
    assert said.startswith(f"⚠️ {matching.LOOK_AGAIN}\n## 2 links could be made")
    assert await sources(hall) == {}


async def test_a_page_says_when_the_plan_has_changed_since(hall: Home) -> None:
    shown = await match(hall)
    name = next(iter(hall.namesakes))
    character_id = await links.resolve_character(hall.services.ctx, hall.server.id, name)
    await links.add(
        hall.services.ctx, hall.server.id, character_id=character_id, user_id=hall.plain.id, actor_id=hall.deputy.id
    )
    await hall.officer.click(shown.response, label="Choose…")
    assert text_of(shown.response).startswith("⚠️ What would be linked has changed meanwhile.")


@pytest.mark.parametrize(
    ("mode", "told"), [(LinkMode.OFF, "Matching is **off**"), (LinkMode.SUGGEST, "Mode suggestions only")]
)
async def test_the_servers_mode_is_told_and_an_officer_may_apply_in_any(hall: Home, mode: LinkMode, told: str) -> None:
    await set_mode(hall, mode)
    shown = await match(hall)
    assert told in card_of(shown)
    await hall.officer.click(shown.response, label="Apply 3 links")
    assert len(await sources(hall)) == 3


async def test_with_nothing_to_link_it_says_what_to_do_next(hall: Home) -> None:
    await set_mode(hall, LinkMode.AUTOMATIC)
    await hall.officer.slash(hall.general, "audit run")
    shown = await match(hall)
    assert "Nothing to link" in card_of(shown)
    assert "`/link coverage`" in card_of(shown)
    assert labels_of(shown.response) == []


async def test_what_only_suggests_is_told_with_the_way_to_it(hall: Home) -> None:
    strange = next(one for one in hall.sample.world.members(hall.sample.guild) if one.name not in hall.namesakes)
    for username in ("quentin", "rosalba"):
        hall.server.add_member(hall.env.create_user(username), nick=strange.name)
    await hall.env.advance_time(6)
    shown = await match(hall)
    assert "Also found: 1 suggestion for `/link review`." in card_of(shown)
    await hall.officer.click(shown.response, label="Apply 3 links")
    said = card_of(await match(hall))
    assert "waits for your word in `/link review`" in said
    assert "Also found: 1 suggestion for `/link review`." in said
    await set_mode(hall, LinkMode.OFF)
    said = card_of(await match(hall))
    assert "Matching is **off** on this server" in said
    assert "1 suggestion that would wait in `/link review`" in said


async def test_before_everything_was_read_nothing_is_matched(home: Home) -> None:
    assert "/setup guild" in home.refused(await match(home))
    await home.follow()
    assert matching.NOT_READ_YET in home.refused(await match(home))


async def test_an_officer_who_lost_the_right_can_no_longer_apply(hall: Home) -> None:
    shown = await match(hall, hall.deputy)
    await hall.take_rights(hall.deputy)
    for label in labels_of(shown.response):
        assert "Only officers" in card_of(await hall.deputy.click(shown.response, label=label))
    assert await sources(hall) == {}


def test_apply_says_what_it_applies_when_some_links_are_less_sure() -> None:
    high, medium = planned(2), planned(3, confidence=Confidence.MEDIUM)
    plan = Plan(high.key, high.links + medium.links, high.hits, 0, 0, 0)
    told = str(show_plan(plan, LinkMode.AUTOMATIC, 0).to_components())
    assert "**2** with high confidence, **3** with medium confidence." in told
    assert "Apply 2 of high confidence" in told
    # The surer ones come first.
    assert told.partition("· *medium*")[0].count("<@") == 3


def test_links_that_are_less_sure_are_chosen_never_applied_as_a_whole() -> None:
    told = str(show_plan(planned(3, confidence=Confidence.MEDIUM), LinkMode.AUTOMATIC, 0).to_components())
    assert "link-match:v1:apply" not in told
    assert "link-choose:v1:page" in told
    assert "of high confidence are made after each sync anyway" in told


def test_a_sure_link_that_rests_on_a_less_sure_one_is_not_counted_as_applied() -> None:
    [ground], [sure, resting] = planned(1, confidence=Confidence.MEDIUM).links, planned(3).links[1:]
    reason = replace(resting.link.evidence[0], via=ground.link.character_id)
    resting = replace(resting, link=replace(resting.link, evidence=(reason,)))
    plan = replace(planned(1), links=(ground, sure, resting))
    told = str(show_plan(plan, LinkMode.SUGGEST, 0).to_components())
    assert "**2** with high confidence" in told
    assert "Apply 1 of high confidence" in told


def test_later_passes_share_a_column() -> None:
    told = str(show_plan(planned(1), LinkMode.OFF, 0).to_components())
    assert "    1    2   3+" in told
    assert " 1000 1000 3000" in told


@pytest.mark.parametrize("mode", list(LinkMode))
def test_the_longest_plan_fits_into_messages_page_by_page(mode: LinkMode) -> None:
    plan = planned(1_000, name=HOSTILE)
    for number in (0, 1, 124, 10**6):
        card = show_plan(plan, mode, number, notice="x" * 200)
        check_budget(card)
    assert "Page 125 of 125" in str(card.to_components())
    for number in (0, 1, 39, 10**6):
        choice = show_choice(plan, mode, number, notice="x" * 200)
        check_budget(choice)
    assert "Page 40 of 40" in str(choice.to_components())
