"""What the client tells whoever counts its requests."""

from bot.battlenet.limiter import Lane


class Observer:
    """Take note of requests; this one forgets them."""

    def battlenet_waited(self, lane: Lane, seconds: float) -> None:
        """Note how long a request stood before the limiter's gate."""

    def battlenet_tried(self, lane: Lane, outcome: str) -> None:
        """Note what came of one try: the status, or the reason why there is none."""
