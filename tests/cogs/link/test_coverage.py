"""`/link coverage`: a card with a picture and numbers."""

import pytest

from bot.services import charts
from bot.services.coverage import Coverage, Grade, SuggestionVerdicts, WaitingCounts
from cogs.common import texts as common_texts
from cogs.common.paginator import check_budget
from cogs.link.coverage_texts import GRADES, percent
from cogs.link.coverage_ui import COLOURS, chart_of, coverage_card
from db.coverage import CharacterCount, MemberCount, PlayerCount
from db.ranks import RankView
from domain.evidence import RULES, RuleName
from domain.links import Confidence, Source
from domain.trust import Counts
from tests.cogs.home import Home, card_of
from tests.cogs.link.small import read_all, shrink
from tests.support.tree import components_of

MEDIA_GALLERY = 12


async def test_the_card_shows_a_picture_with_alt_text_and_the_numbers(home: Home) -> None:
    shrink(home, 4)
    await read_all(home)
    result = await home.officer.slash(home.general, "link coverage")

    assert result.ephemeral
    assert result.response is not None
    [attached] = result.response.attachments
    assert attached.filename == "coverage.png"
    [gallery] = [one for one in components_of(result.response) if one["type"] == MEDIA_GALLERY]
    [item] = gallery["items"]
    assert item["description"] == (
        "Bars of how much is linked. Characters 43 % of 7; Members 43 % of 7; Players 100 % of 3."
    )
    said = card_of(result)
    assert f"Who is who in {home.sample.guild.name}" in said
    assert "**Characters**: 3 of 7 linked (43 %)\n-# equal name 3" in said
    assert "0 players proven: only those count for ranks and roles" in said
    assert "- Equal name: 3 links, 0 confirmed, 0 rejected" in said


async def test_a_rule_that_fell_back_is_told(home: Home) -> None:
    shrink(home, 4)
    await read_all(home)
    await home.officer.slash(home.general, "link remove", character=next(iter(home.namesakes)))

    said = card_of(await home.officer.slash(home.general, "link coverage"))

    assert "- Equal name: 3 links, 0 confirmed, 1 rejected (33 %)" in said
    assert "⚠️ People rejected over 2 % of its links: it only suggests now." in said


async def test_who_is_no_officer_is_shown_no_numbers(home: Home) -> None:
    await home.sync_roster()
    home.allow("link", home.plain)
    assert card_of(await home.plain.slash(home.general, "link coverage")) == common_texts.OFFICERS_ONLY
    assert home.env.errors


async def test_without_a_guild_the_answer_says_what_to_do_first(home: Home) -> None:
    assert "/setup guild" in card_of(await home.officer.slash(home.general, "link coverage"))
    assert home.env.errors


def full() -> Coverage:
    """Everything at its longest."""
    ways = [(source, confidence) for source in Source for confidence in Confidence]
    return Coverage(
        guild_name="길드 *of* <@1>",
        characters=tuple(
            CharacterCount(rank, source, confidence, source.is_proof, suggested=False, count=10**6)
            for rank in range(10)
            for source, confidence in ways
        ),
        members=tuple(MemberCount(source, confidence, opted_out=True, count=10**6) for source, confidence in ways),
        players=tuple(PlayerCount(source, confidence, source.is_proof, True, 10**6) for source, confidence in ways),
        waiting=WaitingCounts(10**6, 10**6, 10**6, 10**6, 10**6, 10**6),
        links={rule: Counts(10**6, 10**6, 10**6) for rule in [*RULES, "of_another_release"]},
        suggestions={rule: SuggestionVerdicts(10**6, 10**6) for rule in RULES},
        only_suggesting=frozenset(RuleName),
        ranks=tuple(RankView(index, "계급" * 8, None, 30) for index in range(10)),
    )


def test_a_guild_with_everything_fits_into_one_message() -> None:
    check_budget(coverage_card(full()))
    assert "<@1>" not in str(coverage_card(full()).to_components())


def test_a_guild_with_everything_can_be_drawn() -> None:
    chart = chart_of(full())

    assert [bar.label for bar in chart.bars[:3]] == ["Characters", "Members", "Players"]
    assert [bar.gap for bar in chart.bars] == [False] * 3 + [True] + [False] * 9
    assert charts.stacked_bars(chart).startswith(b"\x89PNG")


def test_a_guild_with_nothing_says_so() -> None:
    nothing = Coverage("Vigil", (), (), (), WaitingCounts(0, 0, 0, 0, 0, 0), {}, {}, frozenset(), ())
    said = str(coverage_card(nothing).to_components())

    assert "0 of 0 linked (0 %)" in said
    assert "nothing linked yet" in said
    assert "No rule has linked anything yet" in said
    assert charts.stacked_bars(chart_of(nothing)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("part", "total", "said"),
    [(0, 0, "0 %"), (0, 9, "0 %"), (9, 9, "100 %"), (1, 1000, "1 %"), (999, 1000, "99 %"), (1, 3, "33 %")],
)
def test_all_and_none_are_said_only_where_it_is_so(part: int, total: int, said: str) -> None:
    assert percent(part, total) == said


def test_every_grade_has_a_word_and_a_colour() -> None:
    assert set(GRADES) == set(COLOURS) == set(Grade)
