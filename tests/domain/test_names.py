import random
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.names import fold

ANY_TEXT = st.text(st.characters(exclude_categories=()))
MARKS = st.lists(st.sampled_from("\u0300\u0301\u0306\u0308\u030a\u0323\u0327\u0336\u3099\u309a\u0345"), max_size=6)
BASES = st.text(st.sampled_from("aeoЕеИиіукгかはハウωα김k "), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Thor", "thor"),
        ("THOR", "thor"),
        ("Thor Odinson", "thorodinson"),
        ("Thor87", "thor87"),
        ("Thor-Odin's_son.", "thorodinsson"),
    ],
)
def test_case_spaces_and_punctuation_make_no_difference(written: str, key: str) -> None:
    assert fold(written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Ø", "o"),
        ("Æ", "ae"),
        ("Œ", "oe"),
        ("ß", "ss"),
        ("ẞ", "ss"),
        ("Ł", "l"),
        ("Đ", "d"),
        ("Þ", "th"),
        ("Ð", "d"),
        ("ı", "i"),
        ("İ", "i"),
        ("ŋ", "ng"),
        ("Bjørnsæther", "bjornsaether"),
        ("Þórðís", "thordis"),
        ("Çığlık", "ciglik"),
        ("Vélïñå", "velina"),
        ("Ống", "ong"),
    ],
)
def test_latin_letters_that_nfkd_does_not_fold_are_folded(written: str, key: str) -> None:
    assert fold(written) == key


@pytest.mark.parametrize(("written", "key"), [("Οδυσσεύς", "οδυσσευσ"), ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"), ("ᾳ", "α")])
def test_greek_loses_accents_and_stays_greek(written: str, key: str) -> None:
    assert fold(written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Ёлка", "елка"),
        ("ёж", "еж"),
        ("Йод", "йод"),
        ("Їжак", "їжак"),
        ("Воўк", "воўк"),
        ("Ѓорѓи", "ѓорѓи"),
        ("Ќелав", "ќелав"),
        ("Іван", "іван"),
        ("Ма́рья", "марья"),
        ("Ы", "ы"),
    ],
)
def test_yo_is_ye_but_other_cyrillic_letters_stay_themselves(written: str, key: str) -> None:
    assert fold(written) == key


def test_an_accent_typed_beside_a_cyrillic_letter_makes_no_other_letter() -> None:
    assert fold("´Марк´") == "марк"


@pytest.mark.parametrize("look_alike", ["Соса", "рор"])
def test_cyrillic_is_never_read_as_the_latin_letters_it_resembles(look_alike: str) -> None:
    assert not fold(look_alike).isascii()


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("김", "김"),
        ("검은용", "검은용"),
        ("龍", "龍"),
        ("〇", "〇"),
        ("ひ", "ひ"),
        ("カゲ", "カゲ"),
        ("ｶｹﾞ", "カゲ"),
        ("ヴァン", "ヴァン"),
        ("ぱぴ", "ぱぴ"),
        ("Я", "я"),
    ],
)
def test_hangul_han_kana_and_cyrillic_names_of_any_length_stay_names(written: str, key: str) -> None:
    assert fold(written) == key


def test_dakuten_tell_two_kana_names_apart() -> None:
    assert len({fold("はは"), fold("ばば"), fold("ぱぱ")}) == 3


def test_hangul_is_composed_whatever_it_came_as() -> None:
    assert fold(unicodedata.normalize("NFD", "김철수")) == "김철수"


@pytest.mark.parametrize(
    "written", ["𝕿𝖍𝖔𝖗", "Ｔｈｏｒ", "ᴛʜᴏʀ", "ⓉⒽⓄⓇ", "🅃🄷🄾🅁", "🆃🅷🅾🆁", "🅣🅗🅞🅡", "⒯⒣⒪⒭", "𝓣𝒽ℴ𝓇", "ᵗʰᵒʳ"]
)
def test_fancy_unicode_letters_are_the_letters_they_show(written: str) -> None:
    assert fold(written) == "thor"


@pytest.mark.parametrize(
    "written",
    [
        "⚔️ Thor ⚔️",
        "Thor🇩🇪",
        "Thor👨‍👩‍👧",
        "꧁༺Thor༻꧂",
        "~*Thor*~",
        "Thor™",
        "№ Thor ℃",
        "T\u200bh\u200do\ufeffr",
        "\u202eThor\u202c",
        "\u200fThor",
        "T̷̢̛̈h̸̡͝o̵͖͛r̶̳̈́",
        "Thorㅤ",
        "ʼThorʼ",
        "Tho\u00adr",
        "\ud800Thor\udfff",
        "\ue000Thor",
    ],
)
def test_emoji_decoration_invisible_marks_and_mark_spam_are_dropped(written: str) -> None:
    assert fold(written) == "thor"


@pytest.mark.parametrize(("written", "key"), [("Thor２", "thor2"), ("Thor²", "thor2"), ("Thor𝟚", "thor2"), ("①", "1")])
def test_digits_are_kept_in_whatever_form(written: str, key: str) -> None:
    assert fold(written) == key


@pytest.mark.parametrize("written", [None, "", " ", "🔥🔥", "---", "ㅤ", "\u200b", "\u0301", "\u3099", "™", "\ud83d"])
def test_nothing_nameable_folds_to_nothing(written: str | None) -> None:
    assert fold(written) == ""


@pytest.mark.parametrize(
    ("one", "other"), [("Thor", "Thorin"), ("Ana", "Banana"), ("Chris", "Christ"), ("Йод", "Иод"), ("김", "검")]
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(ANY_TEXT)
@example("Ↄ")
@example("か゛")
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY_TEXT)
def test_composed_and_decomposed_text_have_one_key(text: str) -> None:
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text)) == fold(text)


@given(ANY_TEXT)
def test_a_key_holds_only_letters_and_digits(text: str) -> None:
    assert all(unicodedata.category(character)[0] in "LN" for character in fold(text))


@given(st.text(), st.text())
def test_decoration_between_and_around_names_makes_no_difference(one: str, other: str) -> None:
    assert fold(f"★{one} | {other}★") == fold(f"{one}.{other}")


@given(BASES, MARKS, st.randoms(use_true_random=False))
@example("は", ["\u3099", "\u309a"], random.Random(1))
@example("и", ["\u0306", "\u0308"], random.Random(1))
def test_the_order_of_combining_marks_is_irrelevant(base: str, marks: list[str], shuffler: random.Random) -> None:
    shuffled = shuffler.sample(marks, len(marks))
    assert fold(base + "".join(marks)) == fold(base + "".join(shuffled))


def test_every_letter_unicode_knows_folds_to_a_fixed_point() -> None:
    letters = (c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "L" and c < "\U00020000")
    assert not [letter for letter in letters if fold(fold(letter)) != fold(letter)]
