"""The engine and the sessions, with the time-outs and the JSON codec that every connection gets."""

import json
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.ext.asyncio import create_async_engine as _create_async_engine


def normalise_url(url: str) -> URL:
    """Give the address as asyncpg wants it, from any of the spellings that hosts hand out.

    Raises ValueError, without the address (it holds a password), when it is not one of a PostgreSQL database.
    """
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise ValueError("not a database address; expected postgresql://user:password@host/database") from None
    if parsed.get_backend_name() not in {"postgres", "postgresql"}:
        raise ValueError(f"a PostgreSQL address is needed, not {parsed.get_backend_name()}")
    parsed = parsed.set(drivername="postgresql+asyncpg")
    if (mode := parsed.query.get("sslmode")) is not None:
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    # libpq's own options that hosted databases append and asyncpg does not take
    return parsed.difference_update_query(["channel_binding", "application_name", "connect_timeout"])


def to_json(value: Any) -> str:
    """Write a value for JSONB, letters of all scripts as they are; raises TypeError for what JSON does not know.

    Moments are refused on purpose: whoever stores one writes it in ISO form and knows what to read back.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def create_engine(
    url: str | URL,
    *,
    pool_size: int = 8,
    max_overflow: int = 4,
    statement_timeout: str = "30s",
    lock_timeout: str = "5s",
    application_name: str = "muster",
    **options: Any,
) -> AsyncEngine:
    """Create the engine; a statement and a wait for a lock end after their time-out (PostgreSQL's notation)."""
    if "poolclass" not in options:
        options |= {"pool_size": pool_size, "max_overflow": max_overflow, "pool_pre_ping": True}
    engine = _create_async_engine(
        normalise_url(url) if isinstance(url, str) else url,
        json_serializer=to_json,
        json_deserializer=json.loads,
        # What a statement stores is people's own: no error text and no log repeats it.
        hide_parameters=True,
        connect_args=_connect_args(application_name, statement_timeout, lock_timeout),
        **options,
    )
    sa.event.listen(engine.sync_engine, "handle_error", _forget_row)
    return engine


def connect_options(url: str, *, application_name: str) -> dict[str, Any]:
    """Give what asyncpg itself needs to connect as the engine does, for a pool of its own."""
    address = normalise_url(url)
    return {**address.translate_connect_args(username="user"), **address.query, **_connect_args(application_name)}


def create_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Create the session factory; what was loaded stays readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


def _forget_row(context: ExceptionContext) -> None:
    """Drop what PostgreSQL adds to a refusal: the whole row, which a traceback would repeat."""
    refusal = context.original_exception.__cause__
    if isinstance(refusal, asyncpg.PostgresError):
        refusal.detail = None


def _connect_args(application_name: str, statement_timeout: str = "30s", lock_timeout: str = "5s") -> dict[str, Any]:
    return {
        "timeout": 10,
        "server_settings": {
            "application_name": application_name,
            "statement_timeout": statement_timeout,
            "lock_timeout": lock_timeout,
            "idle_in_transaction_session_timeout": "60s",
            "timezone": "UTC",
        },
    }
