from domain.names import fold
from domain.vocabulary import CLASSES, DENIALS, GLUED, MEANINGS, MONTHS, NO_NAMES, Word


def test_every_word_is_known_by_its_folded_key() -> None:
    for words in (MEANINGS, CLASSES, MONTHS, DENIALS, NO_NAMES):
        assert all(key and fold(key) == key for key in words)


def test_every_meaning_has_words() -> None:
    assert set(MEANINGS.values()) == set(Word)


def test_all_thirteen_classes_are_known_and_are_words_for_a_class() -> None:
    assert set(CLASSES.values()) == set(range(1, 14))
    told = {key for key in CLASSES if MEANINGS.get(key) not in (Word.CLASS, Word.DISCORD)}
    assert told == set(), "“disc” is a spec and Discord"


def test_a_word_that_fits_several_classes_names_none() -> None:
    assert not {"resto", "holy", "frost", "tank", "healer", "protection"} & set(CLASSES)


def test_first_names_are_no_weekdays() -> None:
    assert not {"sam", "dom", "mo"} & set(MEANINGS)


def test_what_is_glued_to_names_needs_a_script_without_spaces_and_more_than_a_letter() -> None:
    assert {"부캐", "小号"} <= set(GLUED)
    assert all(len(key) > 1 and not key.isascii() and not fold(key)[0].isascii() for key in GLUED)
    assert "альт" not in GLUED, "Альтаир is a name"
    assert [len(key) for key in GLUED] == sorted((len(key) for key in GLUED), reverse=True)
