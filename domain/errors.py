"""What a person can be told when something is refused or cannot be done."""

from domain.visible import one_line

QUOTED_LIMIT = 50


def quoted(text: str) -> str:
    """Give what somebody typed as it may stand in a text: one line of code, which Discord neither formats nor links."""
    line = one_line(text.replace("`", "'")) or " "
    return f"`{line if len(line) <= QUOTED_LIMIT else line[: QUOTED_LIMIT - 1] + '…'}`"


class MusterError(Exception):
    """Carry a plain text that tells a user what is wrong and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotFound(MusterError):
    """Say that the thing asked for does not exist, or not for this server."""


class FollowsNoGuild(NotFound):
    """Say that a server has no guild yet, and how it gets one."""

    def __init__(self) -> None:
        super().__init__("This server follows no guild yet. Choose one with `/setup guild`.")


class NotKnownYet(NotFound):
    """Say to a member that Discord has not told of them yet."""

    def __init__(self) -> None:
        super().__init__("Muster does not know you here yet. Try again in a few minutes.")


class Refused(MusterError):
    """Say that this person may not do this, or not here."""


class Conflict(MusterError):
    """Say that the act collides with what already stands or already runs."""


class InvalidInput(MusterError):
    """Say which input is wrong and what is expected."""


class Unavailable(MusterError):
    """Say that a service we depend on does not answer; trying again later may help."""
