"""What is done of what matching found."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from domain.decision import MADE_BY_ITSELF, Decision, Proposal, accepted, decide
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.identity import Candidate, Case, Character, Contradiction, Link, Member, Outcome, Owner, Suggestion
from domain.links import Confidence, LinkMode, Source
from domain.matching import match

HIGH, MEDIUM = Confidence.HIGH, Confidence.MEDIUM


def reason(via: int | None = None) -> Evidence:
    rule = RuleName.EQUAL_NAME if via is None else RuleName.NOTE_NAMES_CHARACTER
    return Evidence(rule, Strength.STRONG, Source.NAME, Place.NICK, "x", "X", via)


def link(character_id: int, confidence: Confidence = HIGH, *, via: int | None = None) -> Link:
    return Link(character_id, 100 + character_id, confidence, (reason(via),), 1)


def ids(links: tuple[Link, ...]) -> list[int]:
    return [one.character_id for one in links]


@pytest.mark.parametrize(("mode", "made"), [(LinkMode.AUTOMATIC, [1]), (LinkMode.SUGGEST, []), (LinkMode.OFF, [])])
def test_only_sure_links_are_made_by_themselves_and_only_where_the_mode_says_so(
    mode: LinkMode, made: list[int]
) -> None:
    outcome = Outcome((link(1), link(2, MEDIUM), link(3, Confidence.LOW)))
    assert ids(accepted(outcome, MADE_BY_ITSELF[mode])) == made


def test_a_link_that_leads_over_one_left_to_a_person_is_left_too_however_long_the_chain() -> None:
    outcome = Outcome((link(1, via=2), link(2, via=3), link(3, MEDIUM), link(4), link(5, via=4), link(6, via=99)))
    assert ids(accepted(outcome, {HIGH})) == [4, 5, 6]
    assert ids(accepted(outcome, {HIGH, MEDIUM})) == [1, 2, 3, 4, 5, 6]


def test_only_the_reason_that_decided_can_hold_a_link_back() -> None:
    two = replace(link(1), evidence=(reason(), reason(via=2)))
    assert ids(accepted(Outcome((two, link(2, MEDIUM))), {HIGH})) == [1]


def test_links_that_are_not_made_are_proposed_with_their_confidence_among_the_suggestions() -> None:
    suggestion = Suggestion(2, (Candidate(7, (reason(),)), Candidate(8, (reason(),))))
    against = Contradiction(9, (7,), (reason(),))
    outcome = Outcome((link(1, MEDIUM), link(3)), (suggestion,), ((5, 6),), (against,))
    assert decide(outcome, LinkMode.AUTOMATIC, (link(3),)) == Decision(
        (link(3),),
        (Proposal(Suggestion(1, (Candidate(101, (reason(),)),)), MEDIUM), Proposal(suggestion)),
        ((5, 6),),
        (against,),
    )


def test_a_link_that_is_not_sure_is_proposed_with_who_else_may_own_the_character() -> None:
    other = Candidate(9, (reason(),))
    outcome = Outcome((link(1, MEDIUM),), alternatives=(Suggestion(1, (other,)),))
    (proposal,) = decide(outcome, LinkMode.AUTOMATIC, ()).proposals
    assert proposal.suggestion.candidates == (Candidate(101, (reason(),)), other)


def test_switched_off_only_what_an_officer_applied_stands() -> None:
    outcome = Outcome((link(1), link(3)), (), ((5, 6),))
    assert decide(outcome, LinkMode.OFF, (link(3),)) == Decision((link(3),))


def test_after_the_sure_links_were_made_matching_finds_no_others(shared: Path) -> None:
    """Nothing is linked in a second run that the first did not link, so that one run is all of it."""
    for file in sorted((shared / "identity" / "dev").glob("*.json"))[:4]:
        case = case_of(json.loads(file.read_text(encoding="utf-8")))
        made = accepted(match(case), {HIGH})
        assert len(made) > 10
        players = {user_id: number for number, user_id in enumerate(sorted({one.user_id for one in made}))}
        after = replace(
            case,
            character_owners={one.character_id: Owner(players[one.user_id], one.source) for one in made},
            member_owners={user_id: Owner(player_id, Source.NAME) for user_id, player_id in players.items()},
        )
        assert accepted(match(after), {HIGH}) == ()


def case_of(given: dict[str, list[dict[str, str]]]) -> Case:
    return Case(
        tuple(
            Character(
                int(one["id"]),
                one["name"],
                one["realm_slug"],
                int(one["class_id"]),
                int(one["rank"]),
                one["guild_note"],
                one["officer_note"],
            )
            for one in given["characters"]
        ),
        tuple(
            Member(int(one["id"]), one["username"], one["global_name"], one["nick"])
            for one in given["members"]
            if not one["bot"]
        ),
    )
