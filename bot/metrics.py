"""What the process counts about itself, for Prometheus; nothing here names a server or a person."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from discord.ext import commands
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from bot.battlenet.limiter import Lane
from bot.battlenet.observer import Observer
from bot.services.meter import Meter
from bot.services.status import QueueDepths
from cogs.common.watch import ENDED, Watch
from domain.runs import RunSource, RunStatus

log = logging.getLogger(__name__)

DEPTHS_TIMEOUT = 2.0  # seconds; a scrape shows the rest when the database hangs
LAG_EVERY = 0.5
FIRST_ANSWER = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0)
"""Seconds; Discord gives up after the last."""
RUN = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)
WAIT = (0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0)
LAG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0)

Depths = Callable[[], Awaitable[QueueDepths]]


class Metrics(Meter, Observer):
    """Count in a registry of its own; one per process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._interactions = Counter(
            "muster_interactions", "Commands, controls and forms.", ["kind", "name", "outcome"], registry=registry
        )
        self._first_answer = Histogram(
            "muster_first_answer_seconds",
            "From an interaction's arrival until Discord has the first answer.",
            ["kind", "name"],
            buckets=FIRST_ANSWER,
            registry=registry,
        )
        self._runs = Counter("muster_runs", "Ended runs.", ["source", "status"], registry=registry)
        self._run_seconds = Histogram(
            "muster_run_seconds", "How long runs took.", ["source"], buckets=RUN, registry=registry
        )
        self._requests = Counter(
            "muster_battlenet_requests",
            "Tries to ask Battle.net, by status or what came instead.",
            ["lane", "outcome"],
            registry=registry,
        )
        self._waits = Histogram(
            "muster_battlenet_wait_seconds", "Waiting for the limiter.", ["lane"], buckets=WAIT, registry=registry
        )
        self._hour = Gauge("muster_battlenet_hour_used", "Requests granted in the last hour.", registry=registry)
        self._deliveries = Counter("muster_deliveries", "Tries to deliver a message.", ["outcome"], registry=registry)
        self._database = Gauge("muster_database_up", "Whether the database answered this scrape.", registry=registry)
        self._outbox = Gauge("muster_outbox_messages", "Messages not delivered yet.", ["state"], registry=registry)
        self._jobs = Gauge("muster_jobs", "Jobs in the queue.", ["status"], registry=registry)
        self._connected = Gauge("muster_gateway_connected", "Whether the gateway is connected.", registry=registry)
        self._connections = Counter(
            "muster_gateway_connections", "Connections to the gateway.", ["how"], registry=registry
        )
        self._servers = Gauge("muster_servers", "Servers that the bot is in.", registry=registry)
        self._lag = Histogram(
            "muster_loop_lag_seconds", "How late the event loop wakes a sleeper.", buckets=LAG, registry=registry
        )

    def run_ended(self, source: RunSource, status: RunStatus, seconds: float) -> None:
        """Count a run."""
        self._runs.labels(source.value, status.value).inc()
        self._run_seconds.labels(source.value).observe(seconds)

    def delivery_tried(self, outcome: str) -> None:
        """Count a try to deliver."""
        self._deliveries.labels(outcome).inc()

    def battlenet_waited(self, lane: Lane, seconds: float) -> None:
        """Count a wait at the limiter's gate."""
        self._waits.labels(lane.value).observe(seconds)

    def battlenet_tried(self, lane: Lane, outcome: str) -> None:
        """Count a try to ask Battle.net."""
        self._requests.labels(lane.value, outcome).inc()

    def watch_budget(self, used: Callable[[], int]) -> None:
        """Show at each scrape how much of the hour's limit is used."""
        self._hour.set_function(used)

    def watch_bot(self, bot: commands.Bot) -> None:
        """Follow a bot's connection, its servers and its interactions."""
        self._servers.set_function(lambda: len(bot.guilds))

        async def identified() -> None:
            self._connected.set(1)
            self._connections.labels("identified").inc()

        async def resumed() -> None:
            self._connected.set(1)
            self._connections.labels("resumed").inc()

        async def disconnected() -> None:
            self._connected.set(0)

        async def ended(watch: Watch) -> None:
            self._interactions.labels(watch.kind, watch.name, watch.outcome.value).inc()
            if watch.first_answer is not None:
                self._first_answer.labels(watch.kind, watch.name).observe(watch.first_answer)

        bot.add_listener(identified, "on_connect")
        bot.add_listener(resumed, "on_resumed")
        bot.add_listener(disconnected, "on_disconnect")
        bot.add_listener(ended, f"on_{ENDED}")

    async def sample_lag(self) -> None:
        """Measure, until cancelled, how late the loop wakes a sleeper."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            self._lag.observe(max(0.0, loop.time() - due))

    async def scrape(self, depths: Depths) -> bytes:
        """Give everything in Prometheus' text format; without the database all but what only it knows."""
        self._outbox.clear()
        self._jobs.clear()
        try:
            async with asyncio.timeout(DEPTHS_TIMEOUT):
                found = await depths()
        except Exception as error:
            # Whatever keeps the database away is told by /healthz and the log of whoever needed it.
            log.debug("the queues could not be counted: %s", type(error).__name__)
            self._database.set(0)
        else:
            self._database.set(1)
            for state, count in found.outbox.items():
                self._outbox.labels(state).set(count)
            for status, count in found.jobs.items():
                self._jobs.labels(status).set(count)
        return generate_latest(self.registry)
