import pytest

from domain.errors import Conflict, InvalidInput, MusterError, NotFound, Refused, Unavailable, quoted


@pytest.mark.parametrize("kind", [NotFound, Refused, Conflict, InvalidInput, Unavailable])
def test_an_error_carries_its_text_for_the_user(kind: type[MusterError]) -> None:
    with pytest.raises(MusterError) as caught:
        raise kind("Run `/setup guild` first.")
    assert caught.value.text == str(caught.value) == "Run `/setup guild` first."


def test_no_error_is_a_kind_of_another() -> None:
    kinds = MusterError.__subclasses__()
    assert not [(a, b) for a in kinds for b in kinds if a is not b and issubclass(a, b)]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Silvermoon", "`Silvermoon`"),
        ("**@everyone** <@1>", "`**@everyone** <@1>`"),  # within code Discord formats and links nothing
        ("`code` out", "`'code' out`"),  # and nobody leaves the code
        (" two\n lines ", "`two lines`"),
        ("a\u202eb\u200bc", "`abc`"),  # nor turned around or hidden
        ("", "` `"),
        ("x" * 60, "`" + "x" * 49 + "…`"),
    ],
)
def test_what_somebody_typed_is_quoted_as_one_short_line_of_code(typed: str, shown: str) -> None:
    assert quoted(typed) == shown
