import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence import PLACES, RULES, Evidence, Place, RuleName, Strength
from domain.links import Source

EVIDENCE = st.builds(
    Evidence,
    st.sampled_from(RuleName),
    st.sampled_from(Strength),
    st.sampled_from(Source),
    st.none() | st.sampled_from(Place),
    st.text(),
    st.text(),
    st.none() | st.integers(),
)


def noted(place: Place | None, rule: RuleName = RuleName.NOTE_NAMES_MEMBER) -> Evidence:
    return Evidence(rule, Strength.STRONG, Source.OFFICER_NOTE, place, "secret", "mike")


@given(EVIDENCE)
def test_what_is_kept_is_read_back_as_it_was(evidence: Evidence) -> None:
    assert Evidence.from_json(json.loads(json.dumps(evidence.to_json()))) == evidence


@given(EVIDENCE, st.booleans())
def test_every_reason_has_a_text(evidence: Evidence, for_officers: bool) -> None:
    assert evidence.text(for_officers=for_officers)


@given(EVIDENCE)
def test_the_version_of_the_rule_is_kept(evidence: Evidence) -> None:
    assert evidence.to_json()["version"] == evidence.version == RULES[evidence.rule].version


@pytest.mark.parametrize("rule", RuleName)
def test_what_an_officer_note_holds_is_for_officers_alone(rule: RuleName) -> None:
    told = noted(Place.OFFICER_NOTE, rule).text(for_officers=False)
    assert "secret" not in told
    assert "mike" not in told


@pytest.mark.parametrize("place", [place for place in Place if place is not Place.OFFICER_NOTE])
def test_what_stands_elsewhere_is_said_to_everybody_alike(place: Place) -> None:
    assert noted(place).text(for_officers=False) == noted(place).text(for_officers=True)
    assert PLACES[place] in noted(place).text(for_officers=False)


def test_a_name_with_braces_or_signs_is_said_as_it_is() -> None:
    odd = Evidence(RuleName.NAME_PART, Strength.WEAK, Source.NAME, Place.NICK, "{0} {other}", "%s {}")
    assert odd.text(for_officers=True) == "the nickname “{0} {other}” holds “%s {}”"


def test_every_rule_is_registered_under_its_name_with_words_for_officers() -> None:
    assert set(RULES) == set(RuleName)
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.version >= 1
        assert rule.title
        assert rule.looks_at.endswith(".")


@pytest.mark.parametrize(
    ("field", "value"), [("rule", "of tomorrow"), ("strength", 9), ("source", "rumour"), ("place", "the moon")]
)
def test_what_another_release_wrote_is_refused(field: str, value: object) -> None:
    kept = noted(Place.NICK).to_json()
    with pytest.raises(ValueError, match="is not a valid"):
        Evidence.from_json(kept | {field: value})
    del kept[field]
    with pytest.raises(KeyError):
        Evidence.from_json(kept)


def test_only_strong_evidence_is_more_than_good() -> None:
    assert Strength.HINT < Strength.WEAK < Strength.GOOD < Strength.STRONG
