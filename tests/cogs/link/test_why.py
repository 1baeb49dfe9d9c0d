"""`/link why`."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import simcord
import sqlalchemy as sa

from bot.services import links
from bot.services.why import ContradictionView, PastLinkView, RejectionView, RunRef, Suggested, SuggestedMember, Why
from cogs.common import texts as common_texts
from cogs.link.why_texts import CONFIDENCES, RUNS
from cogs.link.why_ui import PAGE_LIMIT, pages_of
from db.people import CharacterView, HalfView, MemberView
from db.tables.identity import PastLink
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import Confidence, LinkEnd, Source
from domain.runs import RunSource
from sandbox.world import Character
from tests.cogs.home import Home, card_of, labels_of
from tests.cogs.link.small import read_all, shrink

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REASON = Evidence(
    RuleName.NOTE_NAMES_MEMBER, Strength.STRONG, Source.OFFICER_NOTE, Place.OFFICER_NOTE, "disc: *mia*", "mia"
).to_json()


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once: the namesakes are linked by it, these three are nobody's."""
    strangers = shrink(home, 3)
    await read_all(home)
    return strangers


async def why(home: Home, actor: simcord.MemberActor | None = None, **options: Any) -> str:
    result = await (actor or home.officer).slash(home.general, "link why", **options)
    assert result.ephemeral
    return card_of(result)


async def test_an_inferred_link_tells_its_reason_rule_run_and_what_it_is_worth(
    home: Home, strangers: list[Character]
) -> None:
    name, namesake = next(iter(home.namesakes.items()))

    said = await why(home, character=name)

    assert f"**{name}** · " in said
    assert "Inferred: a rule found it, so it gives no rank and no role. `/link confirm` makes it proven." in said
    assert said.count(f"• the nickname is “{name}”") == 1, "what made both halves is told once"
    assert "rule “Equal name” v1" in said
    assert "equal name, high confidence, <t:" in said
    assert "found in a member sync (run " in said
    assert f"**Linked to** {name} · <@{namesake.id}>\n" in said


async def test_a_confirmed_link_tells_who_confirmed_it_and_still_what_the_rule_saw(
    home: Home, strangers: list[Character]
) -> None:
    name, _ = next(iter(home.namesakes.items()))
    await home.officer.slash(home.general, "link confirm", character=name)

    said = await why(home, character=name)

    assert "Proven, by an officer's word or a sign-in: it counts for ranks and roles." in said
    assert f"an officer's word by <@{home.officer.id}>, high confidence" in said
    assert f"• the nickname is “{name}”" in said
    assert f"confirmed by <@{home.officer.id}> <t:" in said


async def test_a_character_of_nobody_tells_what_to_do(home: Home, strangers: list[Character]) -> None:
    assert "Linked to nobody, and no rule suggests anybody. If you know whose it is: `/link add`." in await why(
        home, character=strangers[0].name
    )


async def test_a_removed_link_tells_whose_it_is_not_and_whose_it_was(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await home.officer.slash(home.general, "link remove", character=name)

    said = await why(home, character=name)

    assert f"**Said not to be theirs**\n• <@{namesake.id}>, by <@{home.officer.id}> <t:" in said
    assert f"• <@{namesake.id}>, removed by <@{home.officer.id}> <t:" in said


async def test_who_is_no_officer_is_told_nothing(home: Home, strangers: list[Character]) -> None:
    home.allow("link", home.plain)
    assert await why(home, home.plain, character=strangers[0].name) == common_texts.OFFICERS_ONLY
    assert home.env.errors


async def test_a_long_history_is_paged_after_a_restart_too(home: Home, strangers: list[Character]) -> None:
    ctx, name = home.services.ctx, strangers[0].name
    character_id = await links.resolve_character(ctx, home.server.id, name)
    async with ctx.sessions.begin() as session:
        session.add_all(
            PastLink(
                server_id=home.server.id,
                character_id=character_id,
                player_public_id="p",
                user_ids=[home.plain.id],
                source=Source.NAME,
                confidence=Confidence.HIGH,
                evidence={"reasons": [REASON]},
                linked_at=NOW,
                ended_at=NOW,
                ended=LinkEnd.REMOVED,
            )
            for _ in range(60)
        )
    result = await home.officer.slash(home.general, "link why", character=name)
    assert result.response is not None
    assert labels_of(result.response) == ["Next"]
    await home.restart()

    turned = await home.officer.click(result.response, label="Next")

    assert "Page 2 of " in card_of(turned)
    assert "disc: \\*mia\\*" in card_of(turned)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.delete(PastLink))
    again = await home.officer.click(turned.response or result.response, label="Previous")
    assert "Page" not in card_of(again)


def half(source: Source = Source.NAME, **values: Any) -> HalfView:
    return HalfView(source, Confidence.MEDIUM, {"reasons": [REASON]}, NOW, None, **values)


CHARACTER = CharacterView(
    id=1,
    name="Thrall",
    name_key="thrall",
    realm="Amberfall",
    realm_slug="amberfall",
    class_id=7,
    class_name="Shaman",
    level=80,
    rank=3,
    rank_name=None,
    last_login_at=None,
    half=None,
)
MIA = MemberView(5, "Mia", "mia", None, half())
PAST = PastLinkView(
    1, "Thrall", "Amberfall", (5,), Source.NAME, {"reasons": [REASON]}, NOW, None, NOW, 9, LinkEnd.MOVED
)
EMPTY = Why(CHARACTER, (), {}, None, None, (), (), frozenset())


def text_of(found: Why) -> str:
    return "\n".join(pages_of(found))


def test_candidates_come_with_every_reason_and_what_would_be_done_with_them() -> None:
    run = RunRef(12, RunSource.ADDON_UPLOAD, NOW)
    member = SuggestedMember(5, "@everyone", "mia", (REASON,))
    text = text_of(replace(EMPTY, suggested=Suggested((member,), Confidence.HIGH, run)))

    assert "`/link review` asks" in text
    assert "**Suggested**, an upload of notes (run 12)" in text
    assert "would carry a link to the first" in text
    assert "1\\. @\u200beveryone · <@5>\n• the officer note says “disc: \\*mia\\*”, and that is mia" in text


def test_what_speaks_against_a_link_is_told() -> None:
    against = ContradictionView((6,), (REASON,), NOW)
    text = text_of(replace(EMPTY, character=replace(CHARACTER, half=half()), members=(MIA,), contradiction=against))

    assert "⚠️ **Speaks for <@6> instead**" in text
    assert text.count("disc: ") == 2


def test_halves_that_were_made_apart_are_told_apart() -> None:
    text = text_of(replace(EMPTY, character=replace(CHARACTER, half=half(Source.OFFICER)), members=(MIA,)))

    assert "**Why it is this player's character**\nan officer's word" in text
    assert "**Why this player is** Mia · <@5>\nequal name" in text


def test_a_member_who_left_is_named_since_discord_shows_no_name_of_theirs() -> None:
    left = replace(MIA, left_at=NOW, half=half())
    text = text_of(replace(EMPTY, character=replace(CHARACTER, half=half()), members=(left,)))

    assert "**Linked to** Mia · <@5> · left the server\n" in text


def test_of_who_opted_out_neither_name_nor_reason_is_told() -> None:
    against = ContradictionView((5,), (REASON,), NOW)
    rejection = RejectionView(5, 9, NOW)
    text = text_of(replace(EMPTY, contradiction=against, rejections=(rejection,), past=(PAST,), hidden=frozenset({5})))

    assert text.count("a member who opted out") == 3
    assert "<@5>" not in text
    assert "mia" not in text


def test_a_link_from_the_spreadsheet_is_somebodys_word_and_proves_nothing() -> None:
    sheet = half(Source.MIGRATED_SHEET)
    text = text_of(replace(EMPTY, character=replace(CHARACTER, half=sheet), members=(replace(MIA, half=sheet),)))

    assert "Said by a person, not proven" in text


def test_a_character_of_a_player_without_members_says_so() -> None:
    assert "No member belongs to its player." in text_of(replace(EMPTY, character=replace(CHARACTER, half=half())))


def test_any_number_of_reasons_fits_on_pages_that_discord_takes() -> None:
    member = SuggestedMember(10**18, "*" * 40, "mia", (REASON,) * 40)
    found = replace(EMPTY, suggested=Suggested((member,) * 30, None, None), past=(PAST,) * 50)
    pages = pages_of(found)

    assert len(pages) > 5
    assert all(len(page) <= PAGE_LIMIT for page in pages)
    assert "\n".join(pages).count("disc: ") == 30 * 40 + 50


def test_every_run_and_confidence_has_words() -> None:
    assert set(RUNS) == set(RunSource)
    assert set(CONFIDENCES) == set(Confidence)
