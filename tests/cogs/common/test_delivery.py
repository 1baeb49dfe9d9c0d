import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from bot.services.outbox import Delivery
from cogs.common.delivery import BACKOFF_LIMIT, Deliverer, Rendered, backoff
from cogs.common.progress import status_view
from domain.errors import Unavailable
from tests.cogs.common.conftest import World
from tests.cogs.common.probes import ProbeBot, texts_of


@dataclass
class MemoryOutbox:
    """An outbox in memory: claimed rows leave `waiting` and come back only by a retry."""

    waiting: list[Delivery] = field(default_factory=list)
    sent: dict[int, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    retried: dict[int, tuple[str, float]] = field(default_factory=dict)
    dead: dict[int, str] = field(default_factory=dict)
    broken: int = 0
    when_empty: Callable[[], None] | None = None

    async def claim(self) -> Delivery | None:
        if self.broken:
            self.broken -= 1
            raise OSError("the database is away")
        if self.waiting:
            return self.waiting.pop(0)
        if self.when_empty is not None:
            late, self.when_empty = self.when_empty, None
            late()
        return None

    async def delivered(self, delivery_id: int, message_id: int, shown: tuple[int, ...]) -> None:
        self.sent[delivery_id] = (message_id, shown)

    async def retry(self, delivery_id: int, reason: str, after_seconds: float) -> None:
        self.retried[delivery_id] = (reason, after_seconds)

    async def failed(self, delivery_id: int, reason: str) -> None:
        self.dead[delivery_id] = reason


@dataclass
class Post:
    """The world with an outbox and its sender."""

    world: World
    outbox: MemoryOutbox
    deliverer: Deliverer

    def queue(self, number: int, kind: str = "note", attempts: int = 0) -> Delivery:
        channel = self.world.channel
        delivery = Delivery(number, channel.guild.id, kind, channel.id, {"text": f"n{number}"}, attempts, f"m{number}")
        self.outbox.waiting.append(delivery)
        return delivery

    async def run(self) -> None:
        with self.world.env._bot_scope():
            self.deliverer.wake()
        await self.world.env.settle()

    def written(self) -> list[str]:
        return [text for message in self.world.channel.history() for text in texts_of(message)]


async def render_note(delivery: Delivery) -> Rendered:
    return Rendered(status_view(delivery.payload["text"]), (delivery.id * 10,))


async def render_broken(delivery: Delivery) -> Rendered:
    raise RuntimeError("the renderer is broken")


async def render_away(delivery: Delivery) -> Rendered:
    raise Unavailable("The database does not answer.")


async def render_long(delivery: Delivery) -> Rendered:
    return Rendered(status_view("x" * 4001))


async def render_forever(delivery: Delivery) -> Rendered:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture
async def post(world: World) -> AsyncIterator[Post]:
    outbox = MemoryOutbox()
    deliverer = Deliverer(world.env.bot, outbox)
    renderers = {"note": render_note, "broken": render_broken, "away": render_away, "long": render_long}
    for kind, render in renderers.items():
        deliverer.register(kind, render)
    yield Post(world, outbox, deliverer)
    await deliverer.close()


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
    [call] = [call for call in post.world.env.http_requests if call.method == "POST" and "/messages" in call.path]
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
async def test_a_channel_out_of_reach_fails_with_the_reason(post: Post, status: int, code: int, reason: str) -> None:
    post.world.env.inject_error("POST", "/channels/*/messages", status=status, code=code)
    post.queue(1)
    post.queue(2)
    await post.run()
    assert post.outbox.dead == {1: reason}
    assert list(post.outbox.sent) == [2]


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


async def test_a_renderer_without_its_data_is_tried_again(post: Post) -> None:
    post.queue(1, "away", attempts=3)
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


def test_two_renderers_of_one_kind_are_refused(post: Post) -> None:
    with pytest.raises(ValueError, match="two renderers"):
        post.deliverer.register("note", render_note)
    post.deliverer.unregister("note")
    post.deliverer.register("note", render_note)


def test_waiting_doubles_up_to_a_quarter_of_an_hour() -> None:
    for attempts in range(40):
        longest = min(5 * 2**attempts, BACKOFF_LIMIT)
        assert longest / 2 <= backoff(attempts) <= longest
