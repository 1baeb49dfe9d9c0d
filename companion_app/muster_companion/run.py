"""The companion at work: look, read what changed, deliver, and sleep until there is something to do."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import aside
from .config import Config, Target, change_config, load_config
from .courier import Courier, Delivery
from .errors import CompanionError
from .gather import NAMES, Gathered, Ground, gather, survey
from .keys import load_key
from .places import Places
from .state import Store
from .upload import Client
from .watch import Looks, Watcher, look, settle

READ_AGAIN = 60.0
"""Seconds until files are read again that could not be; twice as many after each time that did not help."""
SEARCH = 3600.0
"""Seconds between two searches of the whole computer for the game: they wake every disk."""
MOST_SURVEYS = 3
"""In one look: where watching fails time and again, what was read must be delivered all the same."""

log = logging.getLogger(__name__)


class Bell:
    """Wake the companion, or end it; from any thread."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        """Tell whether it is time to stop."""
        return self._ended.is_set()

    def ring(self) -> None:
        """Wake whoever waits, or let the next wait be none."""
        self._rung.set()

    def end(self) -> None:
        """End every wait, now and later."""
        self._ended.set()
        self._rung.set()

    def wait(self, seconds: float) -> None:
        """Wait until somebody rings."""
        if self._rung.wait(seconds) and not self.ended:
            self._rung.clear()

    def pause(self, seconds: float) -> None:
        """Wait whoever rings."""
        self._ended.wait(seconds)


class Companion:
    """Hold what is known between two looks; used by one thread."""

    def __init__(
        self,
        places: Places,
        folders: Sequence[Path] = (),
        *,
        bell: Bell | None = None,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[tuple[Path, ...]], Gathered] | None = None,
    ) -> None:
        self.bell = bell or Bell()
        self.gathered = Gathered()
        self.store = Store(places.state)
        self._places = places
        self._more = tuple(folders)
        self._clock = clock
        self._read = read or _read_aside
        self._config = Config()
        self._config_looks: Looks | None = None
        self._config_problem = ""
        self._couriers: list[Courier] = []
        self._looks: Looks | None = None
        self._failed_reads = 0
        self._ground = Ground()
        self._search_at = clock()
        self._told: frozenset[str] = frozenset()

    @property
    def couriers(self) -> Sequence[Courier]:
        """Give who delivers, one for each target."""
        return tuple(self._couriers)

    def client(self, target: Target) -> Client:
        """Make a client with the target's key. Raises CompanionError."""
        return Client(target.address, load_key(self._places, target))

    def run(self) -> None:
        """Work until the bell ends it."""
        watcher = Watcher((*NAMES, self._places.config.name), self.bell.ring)
        try:
            while not self.bell.ended:
                self.look(watcher)
                self.deliver()
                self.bell.wait(self._until_next(watcher))
        finally:
            watcher.close()

    def look(self, watcher: Watcher | None = None) -> None:
        """Learn what changed: the settings, where files are, what they hold."""
        self._reload()
        looks = self._settled(watcher)
        if looks == self._looks or self.bell.ended:
            return
        try:
            gathered = self._read(self._folders)
        except aside.AsideError as error:
            if not self.bell.ended:
                self._tell(f"The files can't be read now: {error}")
            self._looks = None
            self._failed_reads += 1
            return
        self.gathered = gathered
        self._tell(*gathered.problems)
        # A file that a virus scanner held open is the same when it lets go.
        self._looks = None if gathered.busy else looks
        self._failed_reads = self._failed_reads + 1 if gathered.busy else 0

    def deliver(self) -> list[tuple[Courier, Delivery]]:
        """Let everybody deliver what is due."""
        done: list[tuple[Courier, Delivery]] = []
        for courier in self._couriers:
            if not self.bell.ended:
                done += ((courier, delivery) for delivery in courier.deliver(self.gathered.newest))
        self._keep_guilds()
        return done

    def _tell(self, *problems: str) -> None:
        """Say what is wrong now; what was wrong before already is no news."""
        for problem in problems:
            if problem not in self._told:
                log.warning("%s", problem)
        self._told = frozenset(problems)

    @property
    def _folders(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((*self._config.folders, *self._more)))

    def _reload(self) -> None:
        """Take over settings that were changed; new keys and targets are tried at once."""
        looks = look([self._places.config])
        if looks == self._config_looks:
            return
        try:
            config = load_config(self._places.config)
        except CompanionError as error:
            if self._config_looks is None:
                raise
            if str(error) != self._config_problem:
                log.warning("%s The old settings are used until then.", error)
            self._config_problem = str(error)
            return  # and tried again, for it may be held by a virus scanner alone
        if config.folders != self._config.folders:
            self._looks, self._search_at = None, self._clock()
        self._config = config
        self._couriers = [
            Courier(target, self.store, self.client, clock=self._clock, rng=random.Random())  # noqa: S311
            for target in config.targets
        ]
        self._config_looks, self._config_problem = looks, ""

    def _settled(self, watcher: Watcher | None) -> Looks:
        """Survey the folders, have them watched, and wait until nobody writes there."""
        self._survey(watcher)
        looks = look(self._ground.files)
        for _ in range(MOST_SURVEYS):
            if looks == self._looks or self.bell.ended:
                break
            looks = settle(lambda: self._ground.files, self.bell.pause)
            if not self._survey(watcher):  # nothing is new to be watched
                break
        return looks

    def _survey(self, watcher: Watcher | None) -> bool:
        if self._clock() < self._search_at:
            self._ground = self._ground.again()
        else:
            self._ground = survey(self._folders)
            self._search_at = self._clock() + (SEARCH if self._ground.flavours else 0)
        folders = (*self._ground.folders, self._places.config_folder)
        return watcher is not None and watcher.cover(folders)

    def _until_next(self, watcher: Watcher) -> float:
        pauses = [courier.pause(self.gathered.newest) for courier in self._couriers]
        if self._failed_reads:
            pauses.append(READ_AGAIN * 2 ** min(self._failed_reads - 1, 10))
        return min([watcher.interval, *(pause for pause in pauses if pause is not None)])

    def _keep_guilds(self) -> None:
        """Write down what the server told of the guilds."""
        told = {courier.target.ref: courier.target.guild for courier in self._couriers}

        def change(config: Config) -> Config:
            for ref, guild in told.items():
                config = config.with_guild(ref, guild)
            return config

        if change(self._config) == self._config:
            return
        try:
            self._config = change_config(self._places.config, change)
        except CompanionError as error:
            log.warning("%s", error)
            self._config = change(self._config)


def _read_aside(folders: tuple[Path, ...]) -> Gathered:
    return aside.call(gather, folders)
