"""Names as Battle.net's paths spell them."""

import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.battlenet.paths import guild_slug, guild_slugs, lowered, path


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Nachtwache", "nachtwache"),
        ("Die Wilde Jagd", "die-wilde-jagd"),
        ("Kael's Chosen", "kaels-chosen"),
        ("Kael\u2019s Chosen", "kaels-chosen"),
        ("Élite", "élite"),
        ("E\u0301lite", "élite"),
        ("Ночной Дозор", "ночной-дозор"),
        ("별빛", "별빛"),
        ("kaels-chosen", "kaels-chosen"),
        ("  Two   Spaces ", "two-spaces"),
    ],
)
def test_a_guilds_slug(name: str, slug: str) -> None:
    assert guild_slug(name) == slug


def test_only_a_name_with_an_apostrophe_has_a_second_slug() -> None:
    assert guild_slugs("Kael's Chosen") == ("kaels-chosen", "kael-s-chosen")
    assert guild_slugs("Die Wilde Jagd") == ("die-wilde-jagd",)


@given(st.text())
def test_a_slug_of_a_slug_is_itself(name: str) -> None:
    assert guild_slug(guild_slug(name)) == guild_slug(name)


@given(st.text())
def test_lower_case_does_not_depend_on_how_accents_were_typed(name: str) -> None:
    assert lowered(unicodedata.normalize("NFD", name)) == lowered(unicodedata.normalize("NFC", name))


@given(st.text(min_size=1).filter(lambda text: text not in {".", ".."}))
def test_a_segment_is_encoded_once_and_stays_one_segment(segment: str) -> None:
    joined = path("/base", segment)
    assert joined is not None
    assert joined.isascii()
    assert joined.count("/") == 2
    assert unquote(joined.removeprefix("/base/")) == segment


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_would_lead_elsewhere_names_nothing(segment: str) -> None:
    assert path("/base", "realm", segment) is None
