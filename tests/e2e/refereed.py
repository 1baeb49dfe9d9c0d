"""A stage whose every exchange with Discord is judged when it is taken down."""

from types import TracebackType

from sandbox.discord import Exchange, Frame
from sandbox.sample import Sample
from sandbox.stage import Stage
from tests.sandbox.discord.referee import Referee
from tests.support.need import shared_folder


class RefereedStage(Stage):
    """A stage that raises AssertionError at its end if anything between bot and Discord broke Discord's rules.

    recorded: what crossed so far. A demo that runs as a process of its own keeps its exchanges to itself; the same
    evening is judged where a test plays it on a stage.
    """

    def __init__(self, sample: Sample, *, settings: dict[str, str] | None = None) -> None:
        self.recorded: list[Exchange | Frame] = []
        self._judged = 0
        super().__init__(sample, settings=settings, exchanges=self.recorded.append)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        if error is None:
            self.judge()

    def judge(self) -> None:
        """Raise AssertionError with each complaint about what crossed since the last judgement.

        Without Discord's documents the test is reported as not run.
        """
        referee = Referee(shared_folder() / "discord")
        complaints = referee.complaints(self.recorded[self._judged :])
        self._judged = len(self.recorded)
        assert complaints == [], "\n".join(complaints)
