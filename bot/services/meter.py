"""What the services tell whoever counts; they know nothing of how it is shown."""

from domain.runs import RunSource, RunStatus


class Meter:
    """Take note of what happened; this one, the tests' and the tools', forgets it."""

    def run_ended(self, source: RunSource, status: RunStatus, seconds: float) -> None:
        """Note how a run ended and how long it took."""

    def delivery_tried(self, outcome: str) -> None:
        """Note what came of one try to deliver a message: delivered, retried, unreachable or failed."""
