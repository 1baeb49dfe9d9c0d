"""Case files: a guild and a server as one JSON file for `muster match`, and what matching found in them as another.

The format is that of the labelled cases: `server`, `ranks`, `characters` and `members`; whatever else stands in a file
is left alone. All fields are asked for, also those that may be null: a misspelt one would look like a guild without
notes. One wrong record refuses the whole file: without it a name that two people bear could look like one person's.
"""

import json
import os
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from domain.errors import InvalidInput
from domain.evidence import Evidence
from domain.identity import Case, Character, Member, Outcome
from domain.links import Confidence
from domain.names import fold

TOLD: Final = 3
"""So many problems of a file are named; the others are counted."""
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_PLAIN_WORDS: Final = {
    "missing": "missing",
    "string_type": "not a text",
    "int_type": "not a whole number",
    "int_from_float": "not a whole number",
    "bool_type": "neither true nor false",
    "list_type": "not a list",
    "model_type": "not an object",
    "greater_than_equal": "below 0",
}

Identifier = int | str
"""How a file names a character or a member: a number or a text, given back as it came."""


def _identifier(value: Any) -> Identifier:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("identifier", "neither a whole number nor a text")
    if isinstance(value, str) and _LONE_SURROGATE.search(value):
        raise PydanticCustomError("identifier", "holds half a character")
    return value


def _whole_characters(value: Any) -> Any:
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


_Id = Annotated[Identifier, PlainValidator(_identifier)]
_Text = Annotated[str, BeforeValidator(_whole_characters)]
_Index = Annotated[int, Field(ge=0)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class ServerRecord(_Record):
    """Where the guild is at home."""

    region: _Text
    home_realm_slug: _Text


class RankRecord(_Record):
    """A rank of the guild, 0 the leader."""

    index: _Index
    name: _Text


class CharacterRecord(_Record):
    """A character of the guild; a note of null is unknown, "" empty."""

    id: _Id
    name: _Text
    realm_slug: _Text
    class_id: int
    level: int
    rank: _Index
    guild_note: _Text | None
    officer_note: _Text | None


class MemberRecord(_Record):
    """A member of the server, with the names of their roles."""

    id: _Id
    username: _Text
    global_name: _Text | None
    nick: _Text | None
    bot: bool
    roles: list[_Text]


class CaseFile(_Record):
    """A case as its file has it."""

    server: ServerRecord
    ranks: list[RankRecord]
    characters: list[CharacterRecord]
    members: list[MemberRecord]


@dataclass(frozen=True, slots=True)
class NamedCase:
    """A case for matching, in which characters and members are numbered; `…_ids[number]` is what the file calls one."""

    case: Case
    character_ids: tuple[Identifier, ...]
    member_ids: tuple[Identifier, ...]
    bots: int


def read(file: Path) -> NamedCase:
    """Read a case from a file; raises InvalidInput with one line that names the file, the place and what is wrong."""
    try:
        return parse(file.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror or error}") from error
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error.text}") from error


def parse(content: bytes) -> NamedCase:
    """Make a case of a file's bytes; raises InvalidInput with one line that names the place and what is wrong."""
    try:
        # Exports of games hold bytes of any kind; a letter that is lost costs one name, not the file.
        loaded = json.loads(content.decode(json.detect_encoding(content), errors="replace").removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error
    except RecursionError:
        raise InvalidInput("not a case: nested too deep") from None
    except ValueError as error:
        raise InvalidInput(f"not JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise InvalidInput("not a case: an object with server, ranks, characters and members is expected")
    try:
        found = CaseFile.model_validate(loaded)
    except ValidationError as error:
        raise InvalidInput(_problems([_problem(one) for one in error.errors(include_url=False)])) from None
    doubles = [
        *_doubles("characters", (one.id for one in found.characters)),
        *_doubles("members", (one.id for one in found.members)),
    ]
    if doubles:
        raise InvalidInput(_problems(doubles))
    return _named(found)


def answer(named: NamedCase, outcome: Outcome) -> dict[str, Any]:
    """Give what matching found as it is written: links, groups and suggestions, by the file's own ids."""
    characters, members = named.character_ids, named.member_ids
    return {
        "links": [
            {
                "character": characters[link.character_id],
                "member": members[link.user_id],
                "confidence": link.confidence.value,
                "reason": _reasons(link.evidence),
            }
            for link in outcome.links
        ],
        "groups": [[characters[character_id] for character_id in group] for group in outcome.groups],
        "suggestions": [
            {
                "character": characters[suggestion.character_id],
                "candidates": [members[candidate.user_id] for candidate in suggestion.candidates],
                "reasons": [_reasons(candidate.evidence) for candidate in suggestion.candidates],
            }
            for suggestion in outcome.suggestions
        ],
    }


def summary(named: NamedCase, outcome: Outcome, seconds: float) -> str:
    """Say what matching looked at and found, a line each."""
    characters, members = named.case.characters, named.case.members
    noted = sum(bool(one.guild_note or one.officer_note) for one in characters)
    bots = f" ({named.bots} bots left out)" if named.bots else ""
    by_confidence = Counter(link.confidence for link in outcome.links)
    shares = ", ".join(f"{by_confidence[grade]} {grade.value}" for grade in Confidence if by_confidence[grade])
    lines = {
        "read": f"{len(characters)} characters, {noted} of them with a note; {len(members)} members{bots}",
        "links": f"{len(outcome.links)}" + (f" ({shares})" if shares else ""),
        "suggestions": f"{len(outcome.suggestions)} for a person to decide",
        "alt groups": f"{len(outcome.groups)}",
        "took": f"{seconds:.2f} s",
    }
    return "\n".join(f"{name:<13}{text}" for name, text in lines.items())


def encode(written: dict[str, Any]) -> bytes:
    """Give an answer as the bytes of its file."""
    return (json.dumps(written, ensure_ascii=False, indent=1) + "\n").encode()


def write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all; what was there before stays until then. Raises InvalidInput."""
    try:
        if file.exists() and not file.is_file():  # a pipe or a device, which a rename would replace
            file.write_bytes(content)
            return
        file = file.resolve()  # a link stays one, and what it leads to is written
        beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            with beside.open("xb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            beside.replace(file)
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
    except OSError as error:
        raise InvalidInput(f"{file}: cannot be written: {error.strerror or error}") from error


def _named(found: CaseFile) -> NamedCase:
    """Number characters and members in the order of their ids, so that the order of a file's rows makes no difference.

    A role makes a holder of the rank whose name it bears.
    """
    characters = sorted(found.characters, key=_by_id)
    members = sorted((member for member in found.members if not member.bot), key=_by_id)
    ranks: defaultdict[str, set[int]] = defaultdict(set)
    for rank in found.ranks:
        ranks[fold(rank.name)].add(rank.index)
    ranks.pop("", None)  # what folds to nothing equals nothing
    return NamedCase(
        Case(
            tuple(
                Character(number, one.name, one.realm_slug, one.class_id, one.rank, one.guild_note, one.officer_note)
                for number, one in enumerate(characters)
            ),
            tuple(
                Member(
                    number,
                    one.username,
                    one.global_name,
                    one.nick,
                    frozenset(index for role in one.roles for index in ranks.get(fold(role), ())),
                )
                for number, one in enumerate(members)
            ),
        ),
        tuple(one.id for one in characters),
        tuple(one.id for one in members),
        len(found.members) - len(members),
    )


def _by_id(record: CharacterRecord | MemberRecord) -> tuple[bool, Any]:
    return isinstance(record.id, str), record.id


def _doubles(where: str, ids: Iterable[Identifier]) -> Iterable[str]:
    first: dict[Identifier, int] = {}
    for place, one in enumerate(ids):
        if (before := first.setdefault(one, place)) != place:
            yield f"{where}[{place}].id: the same as that of {where}[{before}]"


def _problem(error: ErrorDetails) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error["loc"]).removeprefix(".")
    return f"{place}: {_PLAIN_WORDS.get(error['type'], error['msg'])}"


def _problems(problems: Sequence[str]) -> str:
    more = len(problems) - TOLD
    return "; ".join(problems[:TOLD]) + (f"; and {more} more" if more > 0 else "")


def _reasons(evidence: Iterable[Evidence]) -> str:
    return "; ".join(one.text(for_officers=True) for one in evidence)
