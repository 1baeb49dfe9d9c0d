"""Many rows as one parameter, so that a statement stays one whatever the size of a guild."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB


def with_rows(statement: str, *names: str) -> sa.TextClause:
    """Prepare a statement whose named parameters are lists of rows for `jsonb_to_recordset`."""
    return sa.text(statement).bindparams(*(sa.bindparam(name, type_=JSONB) for name in names))


def rows(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Make records fit for JSON: aware moments become ISO texts, naive ones are refused with ValueError."""
    return [{key: _plain(value) for key, value in record.items()} for record in records]


def _plain(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    if value.utcoffset() is None:
        raise ValueError(f"a moment without a time zone cannot be stored: {value!r}")
    return value.isoformat()
