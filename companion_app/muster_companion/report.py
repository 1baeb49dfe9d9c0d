"""What the player reads: how things stand, and what became of an upload."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .config import Config, Target
from .exports import Export
from .gather import Gathered
from .places import Places
from .state import Store
from .upload import Report, plain

MINUTE, HOUR, DAY = 60, 3600, 86400
NAMED = 10
"""So many names are told of a list; Discord's `/addon status` tells more."""


def age(then: float, now: float | None = None) -> str:
    """Say how long ago something was, roughly."""
    seconds = (time.time() if now is None else now) - then
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


def describe(found: Export) -> str:
    """Name an export: its guild, size and age."""
    return f"{found.guild}: {rows(found.rows)}, read in the game {age(found.exported_at)}"


def rows(count: int) -> str:
    """Count rows."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def became(report: Report) -> str:
    """Say what became of an upload."""
    if report.state == "older":
        return "A newer export of the guild was there already: this one is kept, and changes nothing."
    if report.state == "failed":
        return "Muster could not apply it; officers see why by /addon status in Discord."
    if report.result is None:
        return "Muster has it, and applies it soon."
    return "; ".join(_results(report.result)) + "."


def _results(result: Mapping[str, Any]) -> Iterator[str]:
    applied = _count(result.get("applied"))
    yield f"{applied:,} note{' is' if applied == 1 else 's are'} news"
    if ranks := result.get("ranks"):
        yield f"{_count(ranks):,} rank title{' is' if _count(ranks) == 1 else 's are'} news"
    for field, words in (("unknown", "no character"), ("ambiguous", "more than one character")):
        if names := result.get(field):
            told = f"{rows(_count(names))} {'fits' if _count(names) == 1 else 'fit'} {words}"
            yield f"{told}: {_names(names)}" if isinstance(names, list) else told
    if invalid := result.get("invalid"):
        told = f"{rows(_count(invalid))} left out"
        yield f"{told}: {_names([_wrong(row) for row in invalid])}" if isinstance(invalid, list) else told


def _count(value: Any) -> int:
    """Give a number, or how many a list holds."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) else 0


def _names(names: Sequence[Any]) -> str:
    told = ", ".join(plain(str(name)) for name in names[:NAMED])
    return told if len(names) <= NAMED else f"{told} and {len(names) - NAMED} more"


def _wrong(row: Any) -> str:
    return f"row {row.get('row')} ({row.get('field')}: {row.get('problem')})" if isinstance(row, dict) else str(row)


def status(places: Places, config: Config, gathered: Gathered, store: Store, *, running: bool) -> Iterator[str]:
    """Say line by line how things stand."""
    yield "The companion is running." if running else "The companion is not running: start it by `muster-companion`."
    yield from _files(gathered)
    if not config.targets:
        yield "Nothing is set up: run `muster-companion setup`."
    for target in config.targets:
        yield from _target(target, store)
    yield f"Settings: {places.config}. Log: {places.log}"


def _files(gathered: Gathered) -> Iterator[str]:
    for account in gathered.accounts:
        yield f"Account {account.name}: {account.flavour}"
    for problem in gathered.problems:
        yield f"Problem: {problem}"
    for found in gathered.newest:
        yield f"Newest export of {describe(found)}"
    if not gathered.newest:
        yield NO_EXPORT


NO_EXPORT = "There is no export. In the game, type /muster and then /reload."


def _target(target: Target, store: Store) -> Iterator[str]:
    known = store.of(target.ref)
    yield f"{target.guild} at {target.address}:"
    if known.sent:
        last = known.sent[-1]
        yield f"  last uploaded {age(last.at)}: {rows(last.rows)}, export {last.export_id}, upload {last.upload}"
    else:
        yield "  nothing was uploaded yet"
    if known.problem:
        yield f"  last problem, {age(known.problem.at)}: {known.problem.text}"


def strangers(config: Config, newest: Iterable[Export]) -> Iterator[str]:
    """Say which exports are of guilds that no key is for."""
    for found in newest:
        if not any(target.guild.may_be(found.guild) for target in config.targets):
            yield f"There is no key for {found.guild}: its export stays here. `muster-companion setup` adds one."
