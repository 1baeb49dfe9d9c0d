"""What an upload says: `docs/upload-format.md` read strictly, every refusal with the path of the field."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from db.recordset import UNSTORABLE
from domain.errors import InvalidInput
from domain.note_rows import NoteRow
from domain.uploads import Export, Format, GuildName, InvalidRow

FORMATS: Final = tuple(Format)
ROWS_LIMIT: Final = 1_500
WHOLE: Final = "$"
"""The path of the body itself."""
END_OF_TIME: Final = 253_402_300_799
"""The last second that a date can tell, in the year 9999."""
_PROBLEMS: Final = {
    "missing": "missing",
    "string_type": "not a text",
    "string_unicode": "a text with a character that no database keeps",
    "string_too_short": "shorter than {min_length} characters",
    "string_too_long": "longer than {max_length} characters",
    "string_pattern_mismatch": "written with other characters than allowed",
    "int_type": "not a whole number",
    "int_from_float": "not a whole number",
    "bool_type": "neither true nor false",
    "list_type": "not a list",
    "model_type": "not an object",
    "too_long": "more than {max_length} entries",
    "greater_than_equal": "below {ge}",
    "less_than_equal": "above {le}",
    "literal_error": "not one of {expected}",
}

_Record = TypeVar("_Record", bound=BaseModel)


class BadJson(InvalidInput):
    """Say that a body is no JSON, and where."""


class Invalid(InvalidInput):
    """Say which field of an upload is wrong, by its path, and how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"`{field}`: {message}.")
        self.field = field
        self.message = message

    def __reduce__(self) -> tuple[type["Invalid"], tuple[str, str]]:
        """Give what makes it anew where it comes from the worker process."""
        return Invalid, (self.field, self.message)


def _storable(text: str) -> str:
    if UNSTORABLE.search(text):
        raise PydanticCustomError("unstorable", _PROBLEMS["string_unicode"])
    return text


_STORABLE: Final = AfterValidator(_storable)
_Text = Annotated[str, _STORABLE]
_Seconds = Annotated[int, Field(ge=0, le=END_OF_TIME)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=48), _STORABLE]
_Realm = Annotated[str, StringConstraints(max_length=80), _STORABLE]
_Short = Annotated[str, StringConstraints(max_length=40), _STORABLE]
_Level = Annotated[int, Field(ge=0, le=1_000)]
_Rank = Annotated[int, Field(ge=0, le=9)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class _Guild(_Part):
    name: Annotated[str, StringConstraints(min_length=1, max_length=80), _STORABLE]
    realm: _Realm | None = None
    region: Literal["us", "eu", "kr", "tw"]


class _Exporter(_Part):
    name: _Name
    realm: _Realm | None = None
    officer_notes: bool


class _Upload(_Part):
    """Format 1 but for its rows, which are judged one by one."""

    export_id: Annotated[str, StringConstraints(min_length=8, max_length=80, pattern=r"^[A-Za-z0-9._-]+$")]
    exported_at: _Seconds
    addon_version: _Short | None = None
    guild: _Guild
    exporter: _Exporter
    ranks: Annotated[list[_Text], Field(max_length=10)] | None = None
    rows: list[Any]


class _Row(_Part):
    name: _Name
    realm: _Realm | None = None
    guid: _Text | None = None
    class_file: Annotated[_Short | None, Field(alias="class")] = None
    level: _Level | None = None
    rank: _Rank | None = None
    note: _Text | None = None
    officer_note: _Text | None = None
    last_online: _Seconds | None = None
    online: bool | None = None


class _EarlierUpload(_Part):
    """Format 0 but for its rows."""

    addon_version: _Short | None = None
    uploaded_by: Annotated[str, StringConstraints(max_length=80), _STORABLE] | None = None
    characters: list[Any]


class _EarlierRow(_Part):
    """A row of format 0; how it writes the last login, nobody can tell any more."""

    name: _Name
    realm: _Realm | None = None
    guild_note: _Text | None = None
    officer_note: _Text | None = None
    rank: _Rank | None = None
    rank_name: _Text | None = None
    class_name: Annotated[_Short | None, Field(alias="class")] = None
    level: _Level | None = None


def read(body: bytes, *, received_at: datetime) -> Export:
    """Read an upload as it was before compression; raises BadJson, and Invalid with the first wrong field.

    A row with a wrong field is left out and told, unless all are. An export is never dated after its arrival: a clock
    that is ahead must not keep the others out.
    """
    content = _parse(body)
    if not isinstance(content, dict):
        raise Invalid(WHOLE, "not an object")
    match content.get("format"):
        case None:
            return _read_earlier(content, body, received_at)
        case bool() | float():
            pass
        case Format.EARLIER_SYSTEM:
            return _read_earlier(content, body, received_at)
        case Format.MUSTER:
            return _read_muster(content, received_at)
        case _:
            pass
    raise Invalid("format", "not one that this server knows; update Muster or the companion")


def _read_muster(content: dict[str, Any], received_at: datetime) -> Export:
    upload = _judge(_Upload, content)
    rows, invalid = _judge_rows(_Row, upload.rows, "rows")
    sees = upload.exporter.officer_notes
    guild, exporter = upload.guild, upload.exporter
    return Export(
        format=Format.MUSTER,
        export_id=upload.export_id,
        exported_at=min(datetime.fromtimestamp(upload.exported_at, UTC), received_at),
        guild=GuildName(guild.name, guild.realm or None, guild.region),
        exporter=f"{exporter.name}-{exporter.realm}" if exporter.realm else exporter.name,
        officer_notes=sees,
        titles=dict(enumerate(upload.ranks or ())),
        rows=tuple(
            NoteRow(row.name, row.realm, row.note, row.officer_note if sees else None, guid=row.guid) for row in rows
        ),
        size=len(upload.rows),
        invalid=invalid,
        addon_version=upload.addon_version,
    )


def _read_earlier(content: dict[str, Any], body: bytes, received_at: datetime) -> Export:
    """Read format 0, in which nobody can tell an empty officer note from one that was not seen."""
    upload = _judge(_EarlierUpload, content)
    rows, invalid = _judge_rows(_EarlierRow, upload.characters, "characters")
    return Export(
        format=Format.EARLIER_SYSTEM,
        export_id=hashlib.sha256(body).hexdigest(),
        exported_at=received_at,
        guild=None,
        exporter=upload.uploaded_by,
        officer_notes=any(row.officer_note for row in rows),
        titles=_titles(rows),
        rows=tuple(NoteRow(row.name, row.realm, row.guild_note, row.officer_note or None) for row in rows),
        size=len(upload.characters),
        invalid=invalid,
        addon_version=upload.addon_version,
    )


def _titles(rows: Iterable[_EarlierRow]) -> Mapping[int, str]:
    """Give what all rows of a rank call it."""
    told: defaultdict[int, set[str]] = defaultdict(set)
    for row in rows:
        if row.rank is not None and row.rank_name:
            told[row.rank].add(row.rank_name)
    return {rank: next(iter(names)) for rank, names in told.items() if len(names) == 1}


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BadJson(f"The body is not UTF-8, from byte {error.start + 1} on.") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"The body is no JSON: line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise BadJson("The body is nested too deeply.") from None
    except ValueError:
        raise BadJson("The body holds a number that is too long.") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadJson("The body has a field twice in one object.")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise BadJson("The body holds NaN or Infinity, which JSON does not know.")


def _judge(model: type[_Record], content: Any) -> _Record:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        field, problem = _first_problem(error)
        raise Invalid(field, problem) from None


def _judge_rows(model: type[_Record], rows: list[Any], path: str) -> tuple[list[_Record], tuple[InvalidRow, ...]]:
    """Tell good rows from bad ones; raises Invalid where there are none, too many, or no good one."""
    if not rows:
        raise Invalid(path, "empty: an export has at least the character that made it")
    if len(rows) > ROWS_LIMIT:
        raise Invalid(path, f"longer than {ROWS_LIMIT:,} rows")
    good: list[_Record] = []
    bad: list[InvalidRow] = []
    for number, row in enumerate(rows):
        try:
            good.append(model.model_validate(row))
        except ValidationError as error:
            bad.append(InvalidRow(number, *_first_problem(error)))
    if not good:
        first = bad[0]
        place = f"{path}[{first.row}]"
        raise Invalid(place if first.field == WHOLE else f"{place}.{first.field}", first.problem)
    return good, tuple(bad)


def _first_problem(error: ValidationError) -> tuple[str, str]:
    """Give the path of the first wrong field, and what is wrong with it in words that repeat nothing of the upload."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).removeprefix(".")
    return path or WHOLE, _problem(first)


def _problem(error: ErrorDetails) -> str:
    words, limits = _PROBLEMS.get(error["type"]), error.get("ctx", {})
    if limits.get("min_length") == 1:
        return "empty"
    return error["msg"] if words is None else words.format_map(limits)
