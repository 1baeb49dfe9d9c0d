"""Links that ended, as officers read them."""

from collections.abc import Collection, Sequence

from bot.services.why import PastLinkView
from cogs.common.reasons import reasons
from cogs.common.text import escape, timestamp
from cogs.common.texts import SOURCES
from domain.links import LinkEnd

OPTED_OUT = "a member who opted out"
NOBODY = "a player without a member"
ENDS = {
    LinkEnd.CONFIRMED: "confirmed",
    LinkEnd.REMOVED: "removed",
    LinkEnd.MOVED: "moved to somebody else",
    LinkEnd.OPTED_OUT: "taken back, as the member opted out",
}


def members(user_ids: Sequence[int], hidden: Collection[int]) -> str:
    """Name members; of those who opted out no more than that."""
    named = [f"<@{user_id}>" for user_id in user_ids if user_id not in hidden]
    if len(named) < len(user_ids):
        named.append(OPTED_OUT)
    return ", ".join(named) or NOBODY


def past_line(past: PastLinkView, hidden: Collection[int], *, named: bool = True) -> str:
    """Tell whose a character was, which is `named` unless all are about one, what ended that, and why it was so."""
    # Who opted out has ended it alone.
    by = f" by <@{past.ended_by}>" if past.ended_by is not None and past.ended is not LinkEnd.OPTED_OUT else ""
    character = f"**{escape(past.character)}** · {escape(past.realm)}: " if named else ""
    ended = f"{ENDS[past.ended]}{by} {timestamp(past.ended_at)}"
    return f"{character}{members(past.user_ids, hidden)}, {ended}\n-# {_why(past, hidden)}"


def _why(past: PastLinkView, hidden: Collection[int]) -> str:
    origin = SOURCES[past.source] + (f" by <@{past.linked_by}>" if past.linked_by is not None else "")
    # The names that a reason tells are theirs.
    told = [] if any(user_id in hidden for user_id in past.user_ids) else reasons(past.evidence, for_officers=True)
    return ": ".join([origin, *told[:1]])
