"""One interaction from its arrival to its end: marked in every record, told in one line, counted once."""

import asyncio
import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord

from bot.services.trail import facts, follow_interaction

log = logging.getLogger(__name__)

ENDED = "interaction_ended"
"""The event that carries each ended interaction's watch, once."""
UNKNOWN = "unknown"


class Outcome(StrEnum):
    """Name how an interaction ended for the one who acted."""

    OK = "ok"
    REFUSED = "refused"
    ERROR = "error"
    STOPPED = "stopped"


@dataclass(slots=True, eq=False)
class Watch:
    """What is known of an interaction: its kind, our own name for it, and the seconds to the first answer."""

    kind: str
    name: str
    server_id: int | None
    user_id: int
    started: float = field(default_factory=time.perf_counter)
    outcome: Outcome = Outcome.OK
    first_answer: float | None = None


_current: ContextVar[Watch | None] = ContextVar("watch", default=None)


def watch(interaction: discord.Interaction, kind: str, name: str) -> Watch:
    """Follow an interaction in the task that it has for itself, until that task ends.

    `name` is one of ours (a command, a control's or form's class), never what a user typed.
    """
    task = asyncio.current_task()
    assert task is not None
    seen = Watch(kind, name, interaction.guild_id, interaction.user.id)
    _current.set(seen)
    follow_interaction(interaction.id)
    task.add_done_callback(partial(_end, interaction, seen))
    return seen


def note_outcome(outcome: Outcome) -> None:
    """Say how the interaction at work ends, where that is not well."""
    seen = _current.get()
    if seen is not None:
        seen.outcome = outcome


def trace_first_answers() -> aiohttp.TraceConfig:
    """Make what discord.py's HTTP session is traced with: the moment at which Discord has taken an answer."""
    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(_note_answer)
    return trace


async def _note_answer(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, request: aiohttp.TraceRequestEndParams
) -> None:
    seen = _current.get()
    if seen is None or seen.first_answer is not None:
        return
    if request.response.ok and request.url.path.endswith("/callback"):
        seen.first_answer = time.perf_counter() - seen.started


def _end(interaction: discord.Interaction, seen: Watch, task: "asyncio.Task[Any]") -> None:
    if task.cancelled():
        seen.outcome = Outcome.STOPPED
    elif seen.outcome is Outcome.OK and not interaction.response.is_done():
        seen.outcome = Outcome.ERROR
    log.info(
        "interaction",
        extra=facts(
            kind=seen.kind,
            name=seen.name,
            outcome=seen.outcome.value,
            server=seen.server_id,
            user=seen.user_id,
            first_answer_ms=None if seen.first_answer is None else round(seen.first_answer * 1000),
            whole_ms=round((time.perf_counter() - seen.started) * 1000),
        ),
    )
    if not interaction.client.is_closed():  # whose loop is gone, and with it whoever counts
        interaction.client.dispatch(ENDED, seen)
