"""Many rows as one parameter, so that a statement stays one whatever the size of a guild."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def with_rows(statement: str, *names: str) -> sa.TextClause:
    """Prepare a statement whose named parameters are lists of rows for `jsonb_to_recordset`."""
    return sa.text(statement).bindparams(*(sa.bindparam(name, type_=JSONB) for name in names))


def rows(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Make records fit for JSON and for PostgreSQL.

    Aware moments become ISO texts, naive ones are refused with ValueError; NUL and lone surrogates, which PostgreSQL
    cannot store, become U+FFFD, so that one odd name does not cost a whole list.
    """
    return [{key: _plain(value) for key, value in record.items()} for record in records]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if not isinstance(value, datetime):
        return value
    if value.utcoffset() is None:
        raise ValueError(f"a moment without a time zone cannot be stored: {value!r}")
    return value.isoformat()
