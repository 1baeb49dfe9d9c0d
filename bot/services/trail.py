"""What is going on while a record is logged: the interaction and the run at work, wherever the record is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

FACTS = "facts"
"""The attribute of a record that carries its figures by name."""

_interaction: ContextVar[int | None] = ContextVar("interaction", default=None)
_run: ContextVar[int | None] = ContextVar("run", default=None)


def follow_interaction(interaction_id: int) -> None:
    """Let the rest of this task, and the tasks it starts, work under an interaction."""
    _interaction.set(interaction_id)


@contextmanager
def under_run(run_id: int) -> Iterator[None]:
    """Let the block, and the tasks it starts, work under a run."""
    token = _run.set(run_id)
    try:
        yield
    finally:
        _run.reset(token)


def interaction_id() -> int | None:
    """Give the interaction at work, None where there is none."""
    return _interaction.get()


def run_id() -> int | None:
    """Give the run at work, None where there is none."""
    return _run.get()


def facts(**values: object) -> dict[str, dict[str, object]]:
    """Make the `extra` of a log record that carries values by name; None stands for a value that there is not."""
    return {FACTS: values}
