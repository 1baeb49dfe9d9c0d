import itertools

import pytest

from domain.links import Confidence, Source, is_proven

STRONGEST_FIRST = [
    "battlenet_oauth",
    "officer",
    "invite",
    "claim",
    "migrated_sheet",
    "alias",
    "officer_note",
    "guild_note",
    "name",
    "similar_name",
]
PROOFS = {"battlenet_oauth", "officer", "invite", "claim"}


def test_sources_are_ordered_from_sign_in_to_similar_name() -> None:
    assert [source.value for source in sorted(Source, reverse=True)] == STRONGEST_FIRST


@pytest.mark.parametrize(("stronger", "weaker"), list(itertools.combinations(STRONGEST_FIRST, 2)))
def test_a_stronger_source_is_greater_whatever_the_words_say(stronger: str, weaker: str) -> None:
    assert Source(stronger) > Source(weaker)
    assert not Source(stronger) <= Source(weaker)


def test_a_source_does_not_compare_with_text() -> None:
    with pytest.raises(TypeError):
        Source.NAME < "officer"  # noqa: B015


def test_only_sign_in_officer_invite_and_confirmed_claim_prove() -> None:
    assert {source.value for source in Source if source.is_proof} == PROOFS


@pytest.mark.parametrize(("character_half", "member_half"), list(itertools.product(Source, repeat=2)))
def test_a_link_is_proven_only_if_both_halves_rest_on_a_proof(character_half: Source, member_half: Source) -> None:
    both = character_half.value in PROOFS and member_half.value in PROOFS
    assert is_proven(character_half, member_half) is both


def test_confidence_has_three_grades() -> None:
    assert list(Confidence) == ["high", "medium", "low"]
