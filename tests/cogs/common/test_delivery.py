import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import discord
import pytest
import simcord
from simcord.backend import serializers
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.services.context import Context
from bot.services.outbox import Delivery, Outbox
from cogs.common.delivery import (
    BACKOFF_LIMIT,
    LANES,
    LONGEST_WAIT,
    PERFORMING_LANES,
    SEND_TIMEOUT,
    Deliverer,
    Rendered,
    asked_to_wait,
    backoff,
)
from cogs.common.progress import status_view
from db.outbox import queue
from domain.errors import Conflict, Unavailable
from tests.cogs.common.conftest import World
from tests.cogs.common.probes import ProbeBot, texts_of
from tests.support.clock import FakeClock
from tests.support.people import insert_server


@dataclass
class MemoryOutbox:
    """An outbox in memory, in order per target: claimed rows leave `waiting`, and a retry does not bring them back."""

    waiting: list[Delivery] = field(default_factory=list)
    sent: dict[int, tuple[int | None, tuple[int, ...]]] = field(default_factory=dict)
    retried: dict[int, tuple[str, float]] = field(default_factory=dict)
    dead: dict[int, str] = field(default_factory=dict)
    told: dict[int, int | None] = field(default_factory=dict)
    going: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)
    most_at_once: int = 0
    broken: int = 0
    when_empty: Callable[[], None] | None = None

    async def claim(self, *, without: tuple[str, ...] = ()) -> Delivery | None:
        if self.broken:
            self.broken -= 1
            raise OSError("the database is away")
        seen = list(self.waiting)
        await asyncio.sleep(0)
        for delivery in seen:
            target = delivery.channel_id, delivery.user_id
            if delivery in self.waiting and target not in self.going.values() and delivery.kind not in without:
                self.waiting.remove(delivery)
                self.going[delivery.id] = target
                self.most_at_once = max(self.most_at_once, len(self.going))
                return delivery
        if self.when_empty is not None:
            late, self.when_empty = self.when_empty, None
            late()
        return None

    async def delivered(self, delivery_id: int, message_id: int | None, shown: tuple[int, ...]) -> None:
        del self.going[delivery_id]
        self.sent[delivery_id] = (message_id, shown)

    async def retry(self, delivery_id: int, reason: str, after_seconds: float) -> None:
        del self.going[delivery_id]
        self.retried[delivery_id] = (reason, after_seconds)

    async def failed(self, delivery_id: int, reason: str) -> None:
        del self.going[delivery_id]
        self.dead[delivery_id] = reason

    async def unreachable(self, delivery_id: int, reason: str, owner_id: int | None) -> None:
        await self.failed(delivery_id, reason)
        self.told[delivery_id] = owner_id


@dataclass
class Post:
    """The world with an outbox and its sender."""

    world: World
    outbox: MemoryOutbox
    deliverer: Deliverer

    def queue(
        self, number: int, kind: str = "note", attempts: int = 0, *, channel: int | None = None, user: int | None = None
    ) -> Delivery:
        delivery = Delivery(
            id=number,
            server_id=self.world.channel.guild.id,
            kind=kind,
            channel_id=None if user else channel or self.world.channel.id,
            user_id=user,
            payload={"text": f"n{number}"},
            attempts=attempts,
            nonce=f"m{number}",
        )
        self.outbox.waiting.append(delivery)
        return delivery

    async def run(self) -> None:
        with self.world.env._bot_scope():
            self.deliverer.wake()
        await self.world.env.settle()

    @property
    def owner_id(self) -> int:
        server = self.world.env.bot.get_guild(self.world.channel.guild.id)
        assert server is not None
        assert server.owner_id is not None
        return server.owner_id

    def sends(self) -> list[Any]:
        calls = self.world.env.http_requests
        return [call for call in calls if call.method == "POST" and call.path.endswith("/messages")]

    def written(self) -> list[str]:
        return [text for message in self.world.channel.history() for text in texts_of(message)]

    def written_to(self, actor: simcord.MemberActor) -> list[str]:
        backend = self.world.env.backend
        messages = backend.messages[backend.dm_channels[actor.id]].values()
        payloads = [SimpleNamespace(**serializers.message_payload(backend, message)) for message in messages]
        return [text for payload in payloads for text in texts_of(payload)]


async def render_note(delivery: Delivery) -> Rendered:
    return Rendered(status_view(delivery.payload["text"]), (delivery.id * 10,))


async def render_broken(delivery: Delivery) -> Rendered:
    raise RuntimeError("the renderer is broken")


async def render_away(delivery: Delivery) -> Rendered:
    raise Unavailable("The database does not answer.")


async def render_cut_off(delivery: Delivery) -> Rendered:
    raise OperationalError("SELECT 1", {}, Exception("terminated by an administrator"), connection_invalidated=True)


async def render_long(delivery: Delivery) -> Rendered:
    return Rendered(status_view("x" * 4001))


async def render_forever(delivery: Delivery) -> Rendered:
    await asyncio.Event().wait()
    raise AssertionError


async def render_slow(delivery: Delivery) -> Rendered:
    await asyncio.sleep(10 * SEND_TIMEOUT)
    raise AssertionError


@pytest.fixture
async def post(world: World) -> AsyncIterator[Post]:
    outbox = MemoryOutbox()
    deliverer = Deliverer(world.env.bot, outbox)
    renderers = {"note": render_note, "broken": render_broken, "away": render_away, "long": render_long}
    renderers["cut-off"] = render_cut_off
    for kind, render in renderers.items():
        deliverer.register(kind, render)
    yield Post(world, outbox, deliverer)
    await deliverer.close()


@pytest.fixture
async def slow(post: Post, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Let messages of the kind `slow` take longer than they may."""
    monkeypatch.setattr("cogs.common.delivery.CLOSE_GRACE", 0.05)
    post.deliverer.register("slow", render_slow)
    yield
    await post.deliverer.close()


async def test_a_claimed_row_is_sent_and_settled_with_what_it_shows(post: Post) -> None:
    post.queue(1)
    post.queue(2)
    await post.run()
    assert post.written() == ["n1", "n2"]
    ids = [message.id for message in post.world.channel.history()]
    assert post.outbox.sent == {1: (ids[0], (10,)), 2: (ids[1], (20,))}


async def test_a_message_carries_its_nonce_and_pings_nobody(post: Post) -> None:
    post.queue(1)
    await post.run()
    [call] = post.sends()
    assert (call.json["nonce"], call.json["enforce_nonce"]) == ("m1", True)
    assert call.json["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("status", [500, 503, 429, 401])
async def test_a_passing_failure_gives_the_row_back(post: Post, status: int) -> None:
    post.world.env.inject_error("POST", "/channels/*/messages", status=status)
    post.queue(1)
    post.queue(2)
    await post.run()
    reason, seconds = post.outbox.retried[1]
    assert str(status) in reason
    assert 0 < seconds <= 5
    assert list(post.outbox.sent) == [2]


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, 50001, "Muster can't see the channel"),
        (403, 50013, "Muster may not write in the channel"),
        (404, 10003, "the channel no longer exists"),
    ],
)
async def test_a_channel_out_of_reach_fails_with_the_reason_and_names_the_servers_owner(
    post: Post, status: int, code: int, reason: str
) -> None:
    post.world.env.inject_error("POST", "/channels/*/messages", status=status, code=code)
    post.queue(1)
    post.queue(2)
    await post.run()
    assert post.outbox.dead == {1: reason}
    assert post.outbox.told == {1: post.owner_id}
    assert list(post.outbox.sent) == [2]


async def test_a_message_to_a_user_goes_to_their_direct_messages_with_its_nonce(post: Post) -> None:
    post.queue(1, user=post.world.member.id)
    post.queue(2, user=post.world.member.id)
    await post.run()
    assert post.written_to(post.world.member) == ["n1", "n2"]
    assert not post.written()
    assert [call.json["nonce"] for call in post.sends()] == ["m1", "m2"]
    assert list(post.outbox.sent) == [1, 2]


@pytest.mark.parametrize(
    ("path", "error", "reason"),
    [
        ("/channels/*/messages", (403, 50007), "this member's direct messages are closed"),
        ("/channels/*/messages", (403, 50278), "this member shares no server with Muster any more"),
        ("/users/@me/channels", (404, 10013), "this account no longer exists"),
        ("/users/@me/channels", (400, 50033), "this account no longer exists"),
    ],
)
async def test_closed_direct_messages_are_final_and_tell_the_reason(
    post: Post, caplog: pytest.LogCaptureFixture, path: str, error: tuple[int, int], reason: str
) -> None:
    post.world.env.inject_error("POST", path, status=error[0], code=error[1])
    post.queue(1, user=post.world.member.id)
    post.queue(2, user=post.world.officer.id)
    await post.run()
    assert post.outbox.dead == {1: reason}
    assert f"to user {post.world.member.id}: {reason}" in caplog.text
    assert list(post.outbox.sent) == [2]


async def test_direct_messages_too_fast_wait_the_longest(post: Post) -> None:
    post.world.env.inject_error("POST", "/users/@me/channels", status=400, code=40003)
    post.queue(1, user=post.world.member.id)
    await post.run()
    assert post.outbox.retried == {1: ("too many direct messages at once", BACKOFF_LIMIT)}


@pytest.mark.usefixtures("slow")
async def test_a_slow_target_holds_up_its_own_messages_only(post: Post) -> None:
    post.queue(1, "slow")
    post.queue(2)
    post.queue(3, user=post.world.member.id)
    await post.run()
    post.queue(4, user=post.world.officer.id)
    await post.run()
    assert list(post.outbox.sent) == [3, 4]
    assert [row.id for row in post.outbox.waiting] == [2]


@pytest.mark.usefixtures("slow")
async def test_only_so_many_messages_are_on_the_way_at_once(post: Post) -> None:
    for number in range(2 * LANES):
        post.queue(number, "slow", user=100 + number)
    await post.run()
    assert (post.outbox.most_at_once, len(post.outbox.waiting)) == (LANES, LANES)


async def test_a_wake_when_every_lane_has_just_looked_is_not_lost(post: Post) -> None:
    def queue_late() -> None:
        post.queue(1)
        post.deliverer.wake()

    post.outbox.when_empty = queue_late
    with post.world.env._bot_scope():
        for _ in range(LANES):
            post.deliverer.wake()
    await post.world.env.settle()
    assert list(post.outbox.sent) == [1]


@pytest.mark.usefixtures("slow")
async def test_a_message_that_takes_too_long_is_given_back(post: Post) -> None:
    post.queue(1, "slow")
    await post.run()
    await post.world.env.advance_time(SEND_TIMEOUT)
    assert post.outbox.retried[1][0] == "no answer: TimeoutError"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7.5", 7.5),
        ("3600", 3600),
        (None, 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("-3", 0),
        ("nan", 0),
        ("inf", LONGEST_WAIT),
    ],
)
def test_the_wait_that_discord_asks_for_is_read_from_its_answer(header: str | None, seconds: float) -> None:
    headers = {} if header is None else {"Retry-After": header}
    answer: Any = SimpleNamespace(status=429, reason="Too Many Requests", headers=headers)
    assert asked_to_wait(discord.HTTPException(answer, "slow down")) == seconds


@pytest.mark.parametrize("kind", ["broken", "unknown", "long"])
async def test_a_row_that_cannot_be_rendered_fails_with_an_error_id_and_the_others_go_on(
    post: Post, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    post.queue(1, kind)
    post.queue(2)
    await post.run()
    error_id = post.outbox.dead[1].removeprefix("error ")
    assert error_id in caplog.text
    assert list(post.outbox.sent) == [2]


async def test_a_refused_message_fails_with_an_error_id(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.world.env.inject_error("POST", "/channels/*/messages", status=400, code=50035)
    post.queue(1)
    await post.run()
    assert post.outbox.dead[1].removeprefix("error ") in caplog.text


@pytest.mark.parametrize("kind", ["away", "cut-off"])
async def test_a_renderer_without_its_data_is_tried_again(post: Post, kind: str) -> None:
    post.queue(1, kind, attempts=3)
    await post.run()
    assert 20 <= post.outbox.retried[1][1] <= 40


async def test_an_outbox_out_of_reach_is_asked_again_at_the_next_poll(post: Post) -> None:
    with post.world.env._bot_scope():
        post.deliverer.start()
    await post.world.env.settle()
    post.outbox.broken = 1
    post.queue(1)
    await post.world.env.advance_time(15)
    assert not post.outbox.sent
    await post.world.env.advance_time(15)
    assert list(post.outbox.sent) == [1]


async def test_what_waits_is_sent_as_soon_as_a_restarted_bot_is_ready(post: Post) -> None:
    class Restarted(ProbeBot):
        async def setup_hook(self) -> None:
            await super().setup_hook()
            self.deliverer = Deliverer(self, post.outbox)
            self.deliverer.register("note", render_note)
            self.deliverer.start()

    post.queue(1)
    bot = Restarted()
    await post.world.env.restart_bot(bot)
    assert list(post.outbox.sent) == [1]
    await bot.deliverer.close()


async def test_a_wake_just_before_the_sender_rests_is_not_lost(post: Post) -> None:
    def queue_late() -> None:
        post.queue(2)
        post.deliverer.wake()

    post.outbox.when_empty = queue_late
    post.queue(1)
    await post.run()
    assert list(post.outbox.sent) == [1, 2]


async def test_a_closed_sender_gives_back_the_row_it_could_not_finish(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.common.delivery.CLOSE_GRACE", 0.05)
    post.deliverer.register("forever", render_forever)
    post.queue(1, "forever")
    post.queue(2)
    post.deliverer.wake()
    await asyncio.sleep(0)
    await post.deliverer.close()
    assert post.outbox.retried == {1: ("Muster was stopped", 0.0)}
    assert [row.id for row in post.outbox.waiting] == [2]
    post.deliverer.wake()
    await asyncio.sleep(0)
    assert [row.id for row in post.outbox.waiting] == [2]


async def test_a_message_that_is_being_sent_arrives_before_the_sender_closes(post: Post) -> None:
    post.queue(1)
    post.deliverer.wake()
    await asyncio.sleep(0)
    await post.deliverer.close()
    assert list(post.outbox.sent) == [1]


async def test_two_processes_at_once_send_each_message_once_and_in_order(
    world: World, scratch_sessions: async_sessionmaker[AsyncSession], clock: FakeClock
) -> None:
    ctx = Context(scratch_sessions, clock)
    server = world.channel.guild
    channels = [world.channel, *(server.create_text_channel(f"c{number}") for number in range(3))]
    await insert_server(ctx, server.id)
    async with scratch_sessions.begin() as session:
        for number in range(20):
            await queue(
                session,
                server_id=server.id,
                kind="note",
                channel_id=channels[number % len(channels)].id,
                payload={"text": f"n{number}"},
                dedupe_key=str(number),
                now=clock(),
            )
    senders = [Deliverer(world.env.bot, Outbox(replace(ctx, owner=owner))) for owner in ("one", "two")]
    for sender in senders:
        sender.register("note", render_note)
        with world.env._bot_scope():
            sender.wake()
    await world.env.settle()
    for first, channel in enumerate(channels):
        written = [text for message in channel.history() for text in texts_of(message)]
        assert written == [f"n{number}" for number in range(first, 20, len(channels))]
    for sender in senders:
        await sender.close()


def test_two_renderers_of_one_kind_are_refused(post: Post) -> None:
    with pytest.raises(ValueError, match="two renderers"):
        post.deliverer.register("note", render_note)
    post.deliverer.unregister("note")
    post.deliverer.register("note", render_note)


def test_waiting_doubles_and_stays_below_the_minutes_for_which_a_nonce_holds() -> None:
    assert BACKOFF_LIMIT <= 180
    for attempts in range(40):
        longest = min(5 * 2**attempts, BACKOFF_LIMIT)
        assert longest / 2 <= backoff(attempts) <= longest


async def test_what_is_done_instead_of_said_is_settled_without_a_message(post: Post) -> None:
    done: list[int] = []

    async def perform(delivery: Delivery) -> None:
        done.append(delivery.id)

    post.deliverer.register_performer("role", perform)
    post.queue(1, "role", user=1)
    post.queue(2)
    await post.run()
    assert done == [1]
    assert post.outbox.sent[1] == (None, ())
    assert post.written() == ["n2"]


async def test_many_rows_to_be_done_keep_no_message_waiting(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cogs.common.delivery.CLOSE_GRACE", 0.05)
    at_once, open_gate, said = 0, asyncio.Event(), asyncio.Event()

    async def perform(_delivery: Delivery) -> None:
        nonlocal at_once
        at_once += 1
        await open_gate.wait()

    async def render(delivery: Delivery) -> Rendered:
        said.set()
        return await render_note(delivery)

    post.deliverer.register_performer("role", perform)
    post.deliverer.register("spoken", render)
    for number in range(1, 3 * LANES):
        post.queue(number, "role", user=100 + number)
    post.queue(99, "spoken")
    with post.world.env._bot_scope():
        post.deliverer.wake()
    await said.wait()
    assert at_once == PERFORMING_LANES
    open_gate.set()
    await post.world.env.settle()
    assert len(post.outbox.sent) == 3 * LANES


async def test_a_row_that_cannot_be_done_yet_is_tried_again(post: Post) -> None:
    refusals: list[Exception] = [Conflict("Busy."), Unavailable("Away.")]

    async def perform(_delivery: Delivery) -> None:
        raise refusals.pop()

    post.deliverer.register_performer("role", perform)
    for number in (1, 2):
        post.queue(number, "role", user=number)
    await post.run()
    assert set(post.outbox.retried) == {1, 2}
