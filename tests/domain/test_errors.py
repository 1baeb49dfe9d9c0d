import pytest

from domain.errors import Conflict, InvalidInput, MusterError, NotFound, Refused, Unavailable


@pytest.mark.parametrize("kind", [NotFound, Refused, Conflict, InvalidInput, Unavailable])
def test_an_error_carries_its_text_for_the_user(kind: type[MusterError]) -> None:
    with pytest.raises(MusterError) as caught:
        raise kind("Run `/setup guild` first.")
    assert caught.value.text == str(caught.value) == "Run `/setup guild` first."


def test_no_error_is_a_kind_of_another() -> None:
    kinds = MusterError.__subclasses__()
    assert not [(a, b) for a in kinds for b in kinds if a is not b and issubclass(a, b)]
