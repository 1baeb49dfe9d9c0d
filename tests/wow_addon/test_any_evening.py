"""Whatever happens in an evening of play, an export is a whole roster, and the player's own setting stays."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wow_addon.client import Client
from tests.wow_addon.guild import HOUR, world

SIZES = (3, 5, 8)


def _fight(client: Client, begins: bool) -> None:
    client.change("combat", begins)
    client.fire("PLAYER_REGEN_DISABLED" if begins else "PLAYER_REGEN_ENABLED")


def _restrict(client: Client, begins: bool) -> None:
    client.fire("ADDON_RESTRICTION_STATE_CHANGED", 1, int(begins))
    client.change("restricted", {1: begins})


def _guild(client: Client, name: str | None) -> None:
    client.change("guild", {"name": name} if name else None)
    client.fire("PLAYER_GUILD_UPDATE", "player")


def _roster(client: Client, size: int) -> None:
    client.change("roster", world(size)["roster"][-size:])
    client.fire("GUILD_ROSTER_UPDATE", True)


def _answers(client: Client, answers: list[dict[str, float]]) -> None:
    client.change("answers", answers)


ACTS: dict[Callable[[Client, Any], None], st.SearchStrategy[Any]] = {
    Client.advance: st.sampled_from([0.4, 1, 3, 5, 11, 70, 20 * 60]),
    _fight: st.booleans(),
    _restrict: st.booleans(),
    _guild: st.sampled_from([None, "Night Watch", "Day Watch"]),
    _roster: st.sampled_from(SIZES),
    _answers: st.sampled_from(
        [[{"after": 0.5}], [{"after": 0.5, "shown": 2}, {"after": 1}], [{"after": 1, "shown": 1}], []]
    ),
    Client.fire: st.sampled_from(["GUILD_ROSTER_UPDATE", "GUILD_RANKS_UPDATE"]),
    Client.type: st.sampled_from(["/muster", "/muster status", "/muster nonsense"]),
    lambda client, at: client.make_secret("GetGuildRosterInfo", at): st.sampled_from([None, 1, 7]),
}
EVENING = st.lists(
    st.one_of([st.tuples(st.just(act), values) for act, values in ACTS.items()]), min_size=5, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(EVENING, st.booleans(), st.sampled_from(["now", "later", "never"]))
def test_every_export_of_any_evening_is_whole(
    evening: list[tuple[Callable[[Client, Any], None], Any]], own: bool, echo: str
) -> None:
    client = Client(world(show_offline=own))
    client.echo(echo)
    client.login()
    for act, value in evening:
        act(client, value)
        assert client.get("show_offline") is own
        assert all(len(export["rows"]) in SIZES for export in client.exports().values())
    assert client.errors() == []
    # And when all is well again, the export of the evening is there.
    client.make_secret("GetGuildRosterInfo", None)
    for end in (_fight, _restrict):
        end(client, False)
    _answers(client, [{"after": 0.5}])
    _guild(client, "Night Watch")
    _roster(client, 5)
    client.advance(HOUR)
    assert len(client.exports()["eu/Argent Dawn/Night Watch"]["rows"]) == 5
    assert client.calls("GuildRoster") <= client.time() / 10 + 1
    assert client.errors() == []
