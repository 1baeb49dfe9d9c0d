"""Deliver exports to one target: what is news there, when to try again, and what is not tried again."""

import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .config import Guild, Target
from .errors import CompanionError
from .exports import Export
from .state import Problem, Sent, Store
from .upload import Acknowledged, Client, Failure, KeyInfo, KeyRefused, Refused, RetryLater

SHORTEST = 5.0
LONGEST = 600.0
"""Seconds between two tries, at first and at last."""
KEY_PAUSE = 3600.0
ASK_AGAIN = 24 * 3600.0
"""Seconds until the server is asked again which guild the key is for: guilds are renamed."""
OTHER_GUILD = "other_guild"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold one export that was sent, and the answer."""

    export: Export
    outcome: Acknowledged | Failure


def back_off(attempts: int, rng: random.Random) -> float:
    """Give the seconds to wait after so many failures in a row; by chance, so that many do not come back at once."""
    most = min(LONGEST, SHORTEST * 2.0 ** min(attempts, 20))
    return rng.uniform(max(SHORTEST, most / 2), most)


class Courier:
    """Serve one target from one thread; `client` makes a client, which reads the key, and raises CompanionError."""

    def __init__(
        self,
        target: Target,
        store: Store,
        client: Callable[[Target], Client],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self.target = target
        self._store = store
        self._make_client = client
        self._client: Client | None = None
        self._clock = clock
        self._now = now
        self._rng = rng or random.Random()  # noqa: S311 (spreads tries over time)
        self._attempts = 0
        self._not_before = clock()
        self._ask_at = clock()
        self._refused: set[str] = set()

    def waiting(self, found: Iterable[Export]) -> list[Export]:
        """Give the exports of the target's guild that it neither has nor has refused."""
        known = self._store.of(self.target.ref)
        return [
            one
            for one in found
            if self.target.guild.may_be(one.guild)
            and not known.has(one.export_id)
            and one.export_id not in self._refused
        ]

    def pause(self, found: Iterable[Export]) -> float | None:
        """Give the seconds until there is something to do, None where nothing waits."""
        if not self.waiting(found) and self._attempts == 0:
            return None
        return max(0.0, self._not_before - self._clock())

    def deliver(self, found: Iterable[Export]) -> list[Delivery]:
        """Send what waits, if it is time."""
        found = list(found)
        if self._clock() < self._not_before:
            return []
        deliveries: list[Delivery] = []
        if self._clock() >= self._ask_at and (failure := self._ask()):
            return [Delivery(one, failure) for one in self.waiting(found)]
        for one in self.waiting(found):
            outcome = self._send(one)
            deliveries.append(Delivery(one, outcome))
            if isinstance(outcome, RetryLater | KeyRefused):
                break
        return deliveries

    @property
    def words(self) -> str:
        """Say what went wrong last, "" where nothing did."""
        problem = self._store.of(self.target.ref).problem
        return problem.text if problem else ""

    def _speaker(self) -> Client:
        if self._client is None:
            self._client = self._make_client(self.target)
        return self._client

    def _ask(self) -> Failure | None:
        """Learn from the server which guild the key is for; give what failed."""
        try:
            answer: KeyInfo | Failure = self._speaker().status()
        except CompanionError as error:
            answer = RetryLater(str(error))
        if isinstance(answer, KeyInfo):
            self._ask_at = self._clock() + ASK_AGAIN
            self._learn(answer.guild)
            self._attempts = 0
            if not self._refused:  # of that the player should still hear
                self._store.problem(self.target.ref, None)
            return None
        self._failed(answer)
        return answer

    def _learn(self, guild: Guild) -> None:
        if guild != self.target.guild:
            log.info("The key for %s is for %s now.", self.target.guild, guild)
            self.target = replace(self.target, guild=guild)

    def _send(self, one: Export) -> Acknowledged | Failure:
        try:
            outcome: Acknowledged | Failure = self._speaker().send(one.body)
        except CompanionError as error:
            outcome = RetryLater(str(error))
        if not isinstance(outcome, Acknowledged):
            self._failed(outcome, one)
            return outcome
        sent = Sent(one.export_id, outcome.upload, str(one.guild), one.rows, self._now())
        self._store.acknowledge(self.target.ref, sent)
        self._attempts = 0
        log.info("Sent %s rows of %s.", f"{one.rows:,}", one.guild)
        return outcome

    def _failed(self, failure: Failure, one: Export | None = None) -> None:
        """Note a failure, and say it once: the tenth equal one in a row is no news."""
        if isinstance(failure, KeyRefused):
            text = (
                f"The key for {self.target.guild} is refused: {failure.words} "
                "Run `muster-companion setup` with a new one."
            )
            self._attempts += 1
            self._client = None  # reads the key anew
            self._not_before = self._clock() + KEY_PAUSE
        elif isinstance(failure, Refused):
            if one is not None:
                text = f"The export of {one.guild} is refused: {failure.words}"
                self._refused.add(one.export_id)
            else:
                text = f"{self.target.address} does not say what the key is for: {failure.words}"
                self._not_before = self._clock() + LONGEST
            if failure.code == OTHER_GUILD:
                self._ask_at = self._clock()
        else:
            text = f"{self.target.guild}: {failure.reason.removesuffix('.')}. It is tried again."
            self._attempts += 1
            wait = back_off(self._attempts, self._rng)
            if failure.after is not None:
                wait = max(failure.after + self._rng.uniform(0, SHORTEST / 5), wait)
            self._not_before = self._clock() + wait
        if text != self.words:
            log.warning("%s", text)
        self._store.problem(self.target.ref, Problem(text, self._now()))
