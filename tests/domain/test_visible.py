import pytest

from domain.visible import one_line


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("  two\nlines\r\n\tand\u2028more ", "two lines and more"),
        ("ab\u202ec\u200bd\x00e\ue000f\ud800", "abcdef"),
        ("\u3164\u2800\u034f", ""),
        ("Ёж 龍 ★ 1️⃣", "Ёж 龍 ★ 1️⃣"),
        ("", ""),
    ],
)
def test_what_can_be_seen_of_a_text_stands_in_one_line(text: str, seen: str) -> None:
    assert one_line(text) == seen
