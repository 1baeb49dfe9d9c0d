"""What the process counts, as Prometheus reads it."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot import metrics as counted
from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Lane, Limiter
from bot.metrics import Metrics
from bot.services import status
from bot.services.context import Context
from bot.services.outbox import Outbox
from bot.services.runs import running
from bot.services.status import QueueDepths
from cogs.common.watch import Outcome, Watch
from db import outbox
from db.runs import Scope
from domain.errors import Unavailable
from domain.regions import Region
from domain.runs import RunSource, Trigger
from sandbox.battlenet import BattleNetStandIn, Status
from tests.support.clock import FakeClock
from tests.support.people import CHANNEL, SERVER, insert_server
from tests.support.scene import JumpingTime, guild_of

Found = dict[tuple[str, str], float]


async def nothing_waits() -> QueueDepths:
    return QueueDepths(outbox={"pending": 0}, jobs={"queued": 0})


async def read(metrics: Metrics, depths: Any = nothing_waits) -> Found:
    """Scrape, and give each value by its name and the values of its labels, which stand in the order of their names."""
    text = (await metrics.scrape(depths)).decode()
    return {
        (sample.name, ",".join(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Bot:
    """As much of a bot as is watched."""

    def __init__(self) -> None:
        self.guilds: list[int] = []
        self.listeners: dict[str, Any] = {}

    def add_listener(self, listener: Any, name: str) -> None:
        self.listeners[name] = listener


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def ctx(sessions: async_sessionmaker[AsyncSession], clock: FakeClock, metrics: Metrics) -> Context:
    """Give a context whose services tell the metrics."""
    return Context(sessions, clock, meter=metrics)


async def test_two_processes_in_one_share_no_registry(metrics: Metrics) -> None:
    other = Metrics()
    other.delivery_tried("failed")
    assert ("muster_deliveries_total", "failed") not in await read(metrics)
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("muster")]


async def test_interactions_are_counted_by_kind_name_and_outcome(metrics: Metrics) -> None:
    bot = Bot()
    metrics.watch_bot(bot)  # type: ignore[arg-type]
    for outcome, first in ((Outcome.OK, 0.07), (Outcome.REFUSED, 0.4), (Outcome.STOPPED, None)):
        seen = Watch("command", "sync roster", SERVER, 1, outcome=outcome, first_answer=first)
        await bot.listeners["on_interaction_ended"](seen)
    found = await read(metrics)
    for outcome in ("ok", "refused", "stopped"):
        assert found["muster_interactions_total", f"command,sync roster,{outcome}"] == 1
    assert found["muster_first_answer_seconds_count", "command,sync roster"] == 2
    assert found["muster_first_answer_seconds_bucket", "command,0.1,sync roster"] == 1


async def test_no_figure_names_a_server_or_a_user(metrics: Metrics) -> None:
    bot = Bot()
    metrics.watch_bot(bot)  # type: ignore[arg-type]
    await bot.listeners["on_interaction_ended"](Watch("control", "ShowGroup", 987_001, 987_002, first_answer=0.1))
    assert b"98700" not in await metrics.scrape(nothing_waits)


async def test_the_gateway_is_followed_through_a_drop(metrics: Metrics) -> None:
    bot = Bot()
    metrics.watch_bot(bot)  # type: ignore[arg-type]
    bot.guilds += [1, 2]
    assert (await read(metrics))["muster_gateway_connected", ""] == 0
    await bot.listeners["on_connect"]()
    await bot.listeners["on_disconnect"]()
    assert (await read(metrics))["muster_gateway_connected", ""] == 0
    await bot.listeners["on_resumed"]()
    found = await read(metrics)
    assert found["muster_gateway_connected", ""] == 1
    assert (found["muster_gateway_connections_total", "identified"], found["muster_servers", ""]) == (1, 2)
    assert found["muster_gateway_connections_total", "resumed"] == 1


async def test_battlenet_is_counted_by_lane_and_outcome(metrics: Metrics) -> None:
    metrics.watch_budget(lambda: 41)
    metrics.battlenet_tried(Lane.PEOPLE, "200")
    metrics.battlenet_waited(Lane.PROFILES, 3.0)
    metrics.battlenet_tried(Lane.PROFILES, "timeout")
    found = await read(metrics)
    assert found["muster_battlenet_requests_total", "people,200"] == 1
    assert found["muster_battlenet_requests_total", "profiles,timeout"] == 1
    assert found["muster_battlenet_wait_seconds_sum", "profiles"] == 3.0
    assert found["muster_battlenet_hour_used", ""] == 41


async def test_each_try_at_battlenet_is_counted_with_what_came_of_it(metrics: Metrics) -> None:
    world, guild = guild_of(1)
    async with BattleNetStandIn(world) as stand_in:
        battlenet = BattleNetClient(
            stand_in.api,
            stand_in.oauth,
            stand_in.client_id,
            stand_in.client_secret,
            observer=metrics,
            sleep=JumpingTime().sleep,
        )
        stand_in.faults.add("*/roster", Status(503))
        await battlenet.in_lane(Lane.PROFILES).roster(Region.EU, guild.realm.slug, guild.slug)
        await battlenet.guild(Region.EU, guild.realm.slug, "nobody")
        await battlenet.aclose()
    found = await read(metrics)
    assert found["muster_battlenet_requests_total", "profiles,server_error"] == 1
    assert found["muster_battlenet_requests_total", "profiles,200"] == 1
    assert found["muster_battlenet_requests_total", "people,404"] == 1
    assert found["muster_battlenet_wait_seconds_count", "profiles"] == 2


async def test_the_budget_counts_what_was_granted_within_the_hour() -> None:
    time = JumpingTime()
    limiter = Limiter(monotonic=time.monotonic, sleep=time.sleep)
    async with limiter.turn(Lane.PEOPLE):
        pass
    assert limiter.used() == 1
    time.elapsed += 3601
    assert limiter.used() == 0


async def test_runs_are_counted_as_they_end(ctx: Context, metrics: Metrics, clock: FakeClock) -> None:
    scope = Scope(server_id=await insert_server(ctx))
    async with running(ctx, RunSource.DISCORD_BOT, scope, trigger=Trigger.TIMER):
        clock.advance(seconds=4)
    with pytest.raises(Unavailable):
        async with running(ctx, RunSource.DISCORD_BOT, scope, trigger=Trigger.TIMER):
            raise Unavailable("The list did not come whole.")
    found = await read(metrics)
    assert found["muster_runs_total", "discord_bot,success"] == 1
    assert found["muster_runs_total", "discord_bot,error"] == 1
    assert found["muster_run_seconds_sum", "discord_bot"] == 4


async def test_deliveries_and_what_waits_are_counted(ctx: Context, metrics: Metrics, clock: FakeClock) -> None:
    await insert_server(ctx)
    async with ctx.sessions.begin() as session:
        for key in ("a", "b", "c", "d"):
            await outbox.queue(
                session,
                server_id=SERVER,
                kind="probe",
                channel_id=CHANNEL + ord(key),
                payload={},
                dedupe_key=key,
                now=clock(),
            )
    queue = Outbox(ctx)
    one, two, three, _ = [await queue.claim() for _ in range(4)]
    assert one is not None
    assert two is not None
    assert three is not None
    await queue.delivered(one.id, 5, ())
    await queue.retry(two.id, "Discord answered 503", 30.0)
    await queue.unreachable(three.id, "Muster can't see the channel", None)
    found = await read(metrics, lambda: status.queue_depths(ctx))
    assert found["muster_deliveries_total", "delivered"] == 1
    assert found["muster_deliveries_total", "retried"] == 1
    assert found["muster_deliveries_total", "unreachable"] == 1
    assert ("muster_deliveries_total", "failed") not in found
    assert (found["muster_outbox_messages", "pending"], found["muster_outbox_messages", "sending"]) == (1, 1)
    assert (found["muster_jobs", "queued"], found["muster_jobs", "picked"]) == (0, 0)
    assert found["muster_database_up", ""] == 1


async def test_without_the_database_a_scrape_still_tells_the_rest_and_nothing_stale(metrics: Metrics) -> None:
    async def away() -> QueueDepths:
        raise ConnectionRefusedError

    metrics.delivery_tried("failed")
    assert ("muster_outbox_messages", "pending") in await read(metrics)
    found = await read(metrics, away)
    assert found["muster_database_up", ""] == 0
    assert found["muster_deliveries_total", "failed"] == 1
    assert not [name for name, _ in found if name in {"muster_outbox_messages", "muster_jobs"}]


async def test_a_database_that_hangs_holds_no_scrape(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang() -> QueueDepths:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(counted, "DEPTHS_TIMEOUT", 0.01)
    assert (await read(metrics, hang))["muster_database_up", ""] == 0


async def test_a_busy_loop_is_seen(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "LAG_EVERY", 0.0)
    sampler = asyncio.create_task(metrics.sample_lag())
    for _ in range(5):
        await asyncio.sleep(0)
    sampler.cancel()
    await asyncio.wait({sampler})
    assert (await read(metrics))["muster_loop_lag_seconds_count", ""] >= 1
