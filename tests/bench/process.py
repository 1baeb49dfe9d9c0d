"""The real process over loopback sockets: start, memory, and first answers while rosters are read and matched."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles

import httpx

from sandbox import world as game
from sandbox.companion import Companion, export_of
from sandbox.discord import buttons, plain_text
from sandbox.notes import Note
from sandbox.people import Member, Naming, Person
from sandbox.realms import REALMS
from sandbox.sample import ROLES, Sample
from sandbox.stage import Stage
from tests.bench.data import add_guild
from tests.bench.figures import Figure

SIZE = 1000
STARTS = 3
ACTS = 300
MOVED = 50
"""So many characters get another rank, and so many another note, before each sync: each is matched anew."""
NOTED = 300
"""So many characters have notes that name a member or another character."""
PCS = 6
LEAST_MATCHINGS = 2
ANSWER = f"first answer, {SIZE:,} members"
START = "start"
GUILD = 500
JOINED = datetime(2025, 3, 4, tzinfo=UTC)
LOOK_EVERY = 0.02
SETTLE = 3.0
"""Seconds after READY in which whatever the start brings along comes to rest."""
WITHIN = 60.0
PATIENCE = 3.0
NAMED_AFTER = 2
"""Every second member bears the name of a character."""
MEGABYTE = 2**20
FAILED = "outcome=error"
APPLIED = "source=addon_upload status=success"

Act = Callable[[], Awaitable[object]]


async def measure(url: str) -> list[Figure]:
    """Start the bot on a migrated database and in a server of 1,000; run commands while rosters are read."""
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(Stage(large_sample(), settings={"DATABASE_URL": url}))
        starts = [await _start(stage)]
        for _ in range(STARTS - 1):
            await stage.bot.stop()
            starts.append(await _start(stage))
        try:
            await stage.meanwhile(_set_up(stage))
            await asyncio.sleep(SETTLE)
            memory = resident(stage.bot.pid)
            waits = await stage.meanwhile(_answers(stage))
        except TimeoutError as error:
            error.add_note("\n".join(stage.bot.log))
            raise
        await asyncio.sleep(SETTLE)
        memory_afterwards = resident(stage.bot.pid)
    if failed := [line for line in stage.bot.log if FAILED in line]:
        raise RuntimeError(f"an answer was none: {failed[0]}")
    matchings = sum(APPLIED in line for line in stage.bot.log)
    if matchings < LEAST_MATCHINGS:
        raise RuntimeError(f"{matchings} matchings only went on meanwhile")
    *_, p99 = quantiles(waits, n=100)
    return [
        Figure(START, "to READY", median(starts), "s", at_most=3),
        Figure(START, "memory when idle, matched once, worker included", sum(memory) / MEGABYTE, "MB", at_most=160),
        Figure(START, "of it the worker", sum(memory[1:]) / MEGABYTE, "MB"),
        Figure(START, f"memory after {ACTS} acts", sum(memory_afterwards) / MEGABYTE, "MB"),
        Figure(ANSWER, "acts", len(waits)),
        Figure(ANSWER, "matchings meanwhile", matchings, at_least=LEAST_MATCHINGS),
        Figure(ANSWER, "p50", median(waits) * 1000, "ms"),
        Figure(ANSWER, "p99", p99 * 1000, "ms", at_most=300),
        Figure(ANSWER, "slowest", max(waits) * 1000, "ms"),
        Figure(ANSWER, "after Discord's 3 s", sum(wait > PATIENCE for wait in waits), at_most=0),
    ]


def large_sample() -> Sample:
    """Make a guild of 1,000 characters and a server of 1,000 members."""
    world = game.World(REALMS)
    guild, characters = add_guild(world, GUILD, SIZE)
    people = tuple(_person(number, character) for number, character in enumerate(characters))
    members = tuple(person.member for person in people if person.member)
    notes = {character: Note(f"alt of {characters[0].name}", None) for character in characters[-NOTED:]}
    return Sample(world, guild, people, members, notes, roles=ROLES)


def _person(number: int, character: game.Character) -> Person:
    nick = None if number % NAMED_AFTER else character.name
    roles = ("Guild Master", "Officer") if number == 0 else ("Member",)
    member = Member(number + 1, f"member_{number}", None, nick, roles, JOINED)
    named_after = character if nick else None
    return Person((character,), member, Naming.EXACT if nick else Naming.UNRELATED, named_after)


async def _start(stage: Stage) -> float:
    """Start the bot; give the seconds until it says that database and gateway are there."""
    start = time.perf_counter()
    await stage.bot.start()
    await stage.meanwhile(_healthy(stage))
    return time.perf_counter() - start


async def _healthy(stage: Stage) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(WITHIN):
        while True:
            try:
                answer = await client.get(f"http://127.0.0.1:{stage.web_port}/healthz")
            except httpx.TransportError:
                pass
            else:
                if answer.status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(LOOK_EVERY)


async def _set_up(stage: Stage) -> None:
    """Let the guild be followed, read and matched once."""
    guild = stage.sample.guild
    where = {"region": guild.realm.region, "realm": guild.realm.slug, "guild": guild.name}
    await stage.command("setup guild", where)
    await stage.command("setup channels", {"audit": stage.audit_channel})
    await stage.command("sync members")
    await stage.command("sync roster")


async def _answers(stage: Stage) -> list[float]:
    """Act while one sync follows the other; give the seconds to each first answer."""
    report = await stage.discord.wait_for_message(
        stage.audit_channel, lambda message: bool(buttons(message)) and bool(plain_text(message)), within=WITHIN
    )
    acts = _acts(stage, report)
    # By turns: none of them comes near what a key may upload in a minute.
    companions = cycle([await stage.companion(f"PC {number}") for number in range(PCS)])
    syncing = asyncio.create_task(_keep_syncing(stage, companions))
    waits = []
    try:
        for act in islice(cycle(acts), ACTS):
            start = time.perf_counter()
            with suppress(TimeoutError):  # counts as long as it was waited for
                await act()
            waits.append(time.perf_counter() - start)
            if syncing.done():
                break
    finally:
        if not syncing.done():
            syncing.cancel()
        await asyncio.wait({syncing})
    if not syncing.cancelled():
        syncing.result()
    return waits


async def _keep_syncing(stage: Stage, companions: Iterable[Companion]) -> None:
    """Let ranks and notes change, upload the notes and read the roster, over and over; both match and audit."""
    rng = random.Random(1)
    characters = stage.sample.world.members(stage.sample.guild)
    noted = list(stage.sample.notes)
    for companion in companions:
        for character in rng.sample(characters, MOVED):
            character.rank = rng.randrange(1, 10)
        for character in rng.sample(noted, MOVED):
            stage.sample.notes[character] = Note(f"alt of {rng.choice(characters).name}", None)
        await companion.send(export_of(stage.sample))
        shown = await stage.command("sync roster", until="in the guild")
        if f"{SIZE:,} characters" not in shown.text:
            raise RuntimeError(f"the sync failed: {shown.text}")


def _acts(stage: Stage, report: dict[str, object]) -> list[Act]:
    """Give what people do, each kind once: commands, autocomplete and clicks."""
    discord, here = stage.discord, (stage.owner_id, stage.server_id, stage.lounge)
    first, *_, last = stage.sample.world.members(stage.sample.guild)
    member = stage.user_ids[SIZE]
    commands: list[tuple[str, dict[str, object]]] = [
        # First, since nothing waits for its end: who has no link yet gets no rank either.
        ("link add", {"character": last.name, "member": member}),
        ("sync status", {}),
        ("whois", {"member": member}),
        ("whois", {"character": first.name}),
        ("whois", {"character": "Nobody"}),
        ("setup check", {}),
        ("setup channels", {"audit": stage.audit_channel}),
        ("setup ranks", {}),
        ("setup options", {}),
        ("audit run", {}),
        ("player rank", {"member": member, "rank": "3", "reason": "a trial"}),
        ("link remove", {"character": last.name}),
    ]
    typed = [
        ("whois", "character", first.name[:3], {}),
        ("link add", "character", "B", {}),
        ("player rank", "rank", "", {"member": member}),
        ("setup guild", "realm", "a", {"region": stage.sample.guild.realm.region}),
    ]
    acts: list[Act] = [
        lambda name=name, options=options: discord.slash(*here, name, options) for name, options in commands
    ]
    acts += [
        lambda name=name, option=option, text=text, options=options: discord.autocomplete(
            *here, name, option=option, text=text, options=options
        )
        for name, option, text, options in typed
    ]
    acts += [
        lambda custom_id=button["custom_id"]: discord.click(stage.owner_id, report, custom_id)
        for button in buttons(report)
    ]
    return acts


def resident(pid: int) -> list[int]:
    """Give the bytes in memory of a process and of each of its children, PostgreSQL left out (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    if fields["Name"].strip().startswith("postgres"):
        return []
    # Under the thread that started each.
    children = [child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]
    own = int(fields["VmRSS"].split()[0]) * 1024
    return [own, *(size for child in children for size in resident(int(child)))]
