from datetime import UTC, datetime

import pytest

from cogs.common.text import clean, escape, timestamp

Z = "\u200b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ærøskøbing Łódź Ёлка 전사 战士", "Ærøskøbing Łódź Ёлка 전사 战士"),
        ("**bold** _it_ ~~no~~ ||spoiler||", r"\*\*bold\*\* \_it\_ \~\~no\~\~ \|\|spoiler\|\|"),
        ("`code` [x](https://evil.example)", r"\`code\` \[x\]\(https:\u200b//evil.example\)".replace(r"\u200b", Z)),
        ("https://evil.example/a HTTP://b", f"https:{Z}//evil.example/a HTTP:{Z}//b"),
        ("https:\u200b//evil.example", f"https:{Z}//evil.example"),
        ("Discord.gg/abc discord.com/invite/abc", f"Discord.{Z}gg/abc discord.{Z}com/invite/abc"),
        ("# heading", r"\# heading"),
        ("> quote", r"\> quote"),
        ("1. list", r"1\. list"),
        ("a\\", "a\\\\"),
        ("@everyone and @here", f"@{Z}everyone and @{Z}here"),
        ("<@123> <@&4> <#5> </go:6> <t:1:R> <:x:7>", rf"\<@{Z}123\> \<@{Z}&4\> \<\#5\> \</go:6\> \<t:1:R\> \<:x:7\>"),
        ("two\nlines\r\n\tand  more", "two lines and more"),
    ],
)
def test_free_text_neither_formats_nor_mentions_nor_links(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "ab\u202ecd",
        "a\u200bb\u200dc\ufeffd",
        "\u2066abcd\u2069",
        "\u061cab\u200fcd\u200e",
        "a\u00adbcd",
        "\u3164abcd\u115f",
        "ab\x00\x1bcd",
        "ab\ud800cd",
    ],
)
def test_marks_that_hide_or_turn_text_are_gone(text: str) -> None:
    assert escape(text) == "abcd"


def test_nothing_visible_is_empty() -> None:
    assert escape("\u200b \u3164\n") == ""


def test_long_text_is_cut_as_seen_before_it_is_escaped() -> None:
    assert escape("*" * 10, 10) == r"\*" * 10
    assert escape("*" * 11, 10) == r"\*" * 9 + "…"
    assert clean("a" * 300) == "a" * 199 + "…"
    assert clean("abcd efgh", 6) == "abcd…"


def test_a_time_is_shown_in_each_readers_zone() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert timestamp(moment) == "<t:1767225600:R>"
    assert timestamp(moment, "f") == "<t:1767225600:f>"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        timestamp(datetime(2026, 1, 1))  # noqa: DTZ001
