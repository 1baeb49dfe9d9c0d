from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.errors import InvalidInput
from domain.ranks import (
    Power,
    RoleFacts,
    Verdict,
    admits,
    judge_officer_role,
    judge_rank_role,
    may_choose_officers,
    override_reason,
    player_rank,
    rank_label,
    rank_name,
)

RAIDER = RoleFacts(id=5, name="Raider", is_everyone=False, managed=False, below_bot=True, powers=frozenset())
OFFICERS = 6
ALL = frozenset(Power)
NOTHING: frozenset[Power] = frozenset()


def powerful(*powers: Power, **others: object) -> RoleFacts:
    return replace(RAIDER, powers=frozenset(powers), **others)


@pytest.mark.parametrize(
    ("role", "chooser", "verdict", "reason"),
    [
        (RAIDER, NOTHING, Verdict.OFFERED, ""),
        (replace(RAIDER, is_everyone=True), ALL, Verdict.REFUSED, "everybody has it"),
        (replace(RAIDER, managed=True), ALL, Verdict.REFUSED, "Discord or an app gives it"),
        (replace(RAIDER, below_bot=False), ALL, Verdict.REFUSED, "Move Muster's role above it"),
        (powerful(Power.ADMINISTRATOR), ALL, Verdict.CONFIRM, "it gives Administrator"),
        (powerful(Power.MANAGE_ROLES), ALL, Verdict.CONFIRM, "it gives Manage Roles"),
        (powerful(*Power), ALL, Verdict.CONFIRM, "it gives Administrator and Manage Roles"),
        (powerful(Power.MANAGE_SERVER), ALL, Verdict.OFFERED, ""),
        (powerful(Power.MANAGE_SERVER), NOTHING, Verdict.REFUSED, "it gives Manage Server, which you don't have"),
        (powerful(Power.ADMINISTRATOR), frozenset({Power.MANAGE_SERVER}), Verdict.REFUSED, "it gives Administrator"),
        (powerful(Power.MANAGE_ROLES), frozenset({Power.MANAGE_ROLES}), Verdict.CONFIRM, "it gives Manage Roles"),
        (powerful(Power.MANAGE_ROLES), NOTHING, Verdict.REFUSED, "it gives Manage Roles, which you don't have"),
        (powerful(Power.BAN_MEMBERS), NOTHING, Verdict.REFUSED, "it gives Ban Members, which you don't have"),
        (powerful(Power.BAN_MEMBERS), frozenset({Power.BAN_MEMBERS}), Verdict.OFFERED, ""),
        (replace(RAIDER, id=OFFICERS), NOTHING, Verdict.REFUSED, "it gives Manage Server, which you don't have"),
        (replace(RAIDER, id=OFFICERS), frozenset({Power.MANAGE_SERVER}), Verdict.OFFERED, ""),
        (powerful(Power.ADMINISTRATOR, managed=True), ALL, Verdict.REFUSED, "Discord or an app gives it"),
        (powerful(Power.ADMINISTRATOR, below_bot=False), ALL, Verdict.REFUSED, "Move Muster's role above it"),
    ],
)
def test_which_role_may_stand_for_a_rank(
    role: RoleFacts, chooser: frozenset[Power], verdict: Verdict, reason: str
) -> None:
    decision = judge_rank_role(role, chooser, OFFICERS)
    assert decision.verdict is verdict
    assert reason in decision.reason
    assert decision.offered is (verdict is not Verdict.REFUSED)
    assert bool(decision.reason) is (verdict is not Verdict.OFFERED)


@pytest.mark.parametrize(
    ("role", "verdict"),
    [
        (RAIDER, Verdict.OFFERED),
        (replace(RAIDER, below_bot=False), Verdict.OFFERED),
        (powerful(Power.ADMINISTRATOR), Verdict.OFFERED),
        (replace(RAIDER, is_everyone=True), Verdict.REFUSED),
        (replace(RAIDER, managed=True), Verdict.REFUSED),
    ],
)
def test_which_role_may_make_officers(role: RoleFacts, verdict: Verdict) -> None:
    assert judge_officer_role(role).verdict is verdict


def test_only_manage_server_chooses_who_is_an_officer() -> None:
    assert may_choose_officers(frozenset({Power.MANAGE_SERVER}))
    assert not may_choose_officers(ALL - {Power.MANAGE_SERVER})


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Veteran", "Veteran"),
        ("  Council\n of \t Elders ", "Council of Elders"),
        ("\u200bGast\u200f\x00", "Gast"),
        ("Österreich Ёж 龍", "Österreich Ёж 龍"),
        ("x" * 32, "x" * 32),
        ("", None),
        (" \u200b\n", None),
        ("\u3164 \u2800", None),  # letters and signs that draw nothing
    ],
)
def test_a_rank_is_called_as_typed_in_one_visible_line(typed: str, kept: str | None) -> None:
    assert rank_name(typed) == kept


def test_a_long_name_is_refused_with_the_limit() -> None:
    with pytest.raises(InvalidInput, match="at most 32 characters"):
        rank_name("x" * 33)


@pytest.mark.parametrize("typed", [None, "", "  \n", "\u200b", "\u3164"])
def test_an_override_needs_a_reason(typed: str | None) -> None:
    with pytest.raises(InvalidInput, match="Give a `reason`"):
        override_reason(typed)


def test_a_reason_has_a_limit() -> None:
    assert override_reason("x" * 200) == "x" * 200
    with pytest.raises(InvalidInput, match="at most 200 characters"):
        override_reason("x" * 201)


def test_a_rank_without_a_name_is_called_by_its_number() -> None:
    assert [rank_label(7, name) for name in (None, "", "Veteran")] == ["Rank 7", "Rank 7", "Veteran"]


@pytest.mark.parametrize(
    ("proven", "override", "rank"),
    [([], None, None), ([5], None, 5), ([5, 2, 9], None, 2), ([0], None, 0), ([2], 6, 6), ([2], 0, 0), ([], 4, 4)],
)
def test_a_players_rank_is_an_officers_word_or_the_highest_of_their_proven_characters(
    proven: Sequence[int], override: int | None, rank: int | None
) -> None:
    assert player_rank(proven, override) == rank


@pytest.mark.parametrize("minimum", range(10))
def test_a_minimum_rank_admits_that_rank_and_every_higher_one(minimum: int) -> None:
    assert [rank for rank in range(10) if admits(minimum, rank)] == list(range(minimum + 1))
    assert not admits(minimum, None)
