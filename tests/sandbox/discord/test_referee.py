"""The referee sees a planted violation of each kind, and says nothing about what Discord accepts."""

from collections.abc import Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from sandbox.discord import Exchange, Frame
from tests.sandbox.discord.referee import Referee

MESSAGES = "/channels/200000000000000001/messages"
CALLBACK = "/interactions/200000000000000002/a-token/callback"
WEBHOOK = "/webhooks/200000000000000003/a-token"
COMMANDS = "/applications/200000000000000003/commands"
LAYOUT = 1 << 15
EPHEMERAL = 1 << 6
SERVER = 200000000000000004


@pytest.fixture(scope="module")
def referee(shared: Path) -> Referee:
    return Referee(shared / "discord")


def asked(method: str, path: str, body: Any, status: int | None = None, response: Any = None) -> Exchange:
    """Make a request; without a status one that nobody answered, which is judged by what it asks alone."""
    return Exchange(method, path, {}, body, status, response)


def listed(**query: str) -> Exchange:
    return Exchange("GET", f"/guilds/{SERVER}/members", query, None, None, None)


def sent(**message: Any) -> Exchange:
    return asked("POST", MESSAGES, message)


def answered(kind: int, **data: Any) -> Exchange:
    return asked("POST", CALLBACK, {"type": kind, "data": data})


def followed_up(**message: Any) -> Exchange:
    return asked("POST", WEBHOOK, message)


def edited(**message: Any) -> Exchange:
    return asked("PATCH", f"{WEBHOOK}/messages/@original", message)


def published(**command: Any) -> Exchange:
    return asked("PUT", COMMANDS, [{"name": "roster", "description": "The roster", "type": 1, **command}])


def event(name: str, **data: Any) -> Frame:
    return Frame("out", {"op": 0, "s": 1, "t": name, "d": data})


def from_bot(op: int, data: Any) -> Frame:
    return Frame("in", {"op": op, "d": data})


def text(content: str) -> dict[str, Any]:
    return {"type": 10, "content": content}


def row(*controls: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(controls)}


def button(custom_id: str) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": custom_id}


def menu(*values: str) -> dict[str, Any]:
    return {"type": 3, "custom_id": "menu", "options": [{"label": value, "value": value} for value in values]}


def container(*parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": 17, "components": list(parts)}


def asks(custom_id: str, label: str = "Name") -> dict[str, Any]:
    return {"type": 18, "label": label, "component": {"type": 4, "custom_id": custom_id, "style": 1}}


def modal(*parts: Mapping[str, Any], title: str = "A form") -> Exchange:
    return answered(9, custom_id="form", title=title, components=list(parts))


def choices(count: int, name: str = "a", value: str = "a") -> Exchange:
    return answered(8, choices=list(repeat({"name": name, "value": value}, count)))


LONG_OPTIONS = [{"type": 3, "name": f"option{n}", "description": "d" * 100} for n in range(25)]
SUBCOMMANDS = [{"type": 1, "name": f"part{n}", "description": "d", "options": LONG_OPTIONS} for n in range(4)]
NOBODY = {"parse": []}

VIOLATIONS: dict[str, tuple[str, list[Exchange | Frame]]] = {
    "a path unknown to Discord": ("is not in the document", [asked("GET", "/nothing/here", None)]),
    "a method unknown to Discord": ("is not in the document", [asked("PUT", MESSAGES, {})]),
    "a request that does not fit": ("asks: embeds", [sent(embeds="a report")]),
    "a request without its body": ("without a body", [asked("POST", MESSAGES, None)]),
    "an unknown parameter": ("page is no parameter", [listed(page="2")]),
    "a parameter that does not fit": ("limit=1001 does not fit", [listed(limit="1001")]),
    "a response that does not fit": ("200: id", [asked("GET", "/users/@me", None, 200, {"id": 1})]),
    "an error that does not fit": ("403: ", [asked("GET", "/users/@me", None, 403, {"error": "no"})]),
    "a status that does not fit": ("not answered with 204", [asked("GET", "/users/@me", None, 204)]),
    "a refused form": ("refused", [asked("POST", MESSAGES, {}, 400, {"code": 50035, "message": "Invalid Form Body"})]),
    "what the stand-in cannot do": (
        "the stand-in cannot do it",
        [asked("GET", "/users/@me", None, 501, {"code": 0, "message": "not implemented"})],
    ),
    "an event that does not fit": ("GuildCreate", [event("GUILD_CREATE", id=str(SERVER))]),
    "an event without a number": ("'s' is a required", [Frame("out", {"op": 0, "t": "RESUMED", "d": {}})]),
    "an unknown op of the bot": ("op 99", [from_bot(99, None)]),
    "an unknown op of Discord": ("op 1 is not sent out", [Frame("out", {"op": 1, "d": None})]),
    "an op 9 that says nothing": ("op 9", [Frame("out", {"op": 9, "d": None})]),
    "a heartbeat that is no number": ("op 1", [from_bot(1, "now")]),
    "an IDENTIFY without intents": ("'intents' is a required", [from_bot(2, {"token": "…", "properties": {}})]),
    "a RESUME without a number": ("'seq' is a required", [from_bot(6, {"token": "…", "session_id": "1"})]),
    "members asked for without a limit": ("op 8", [from_bot(8, {"guild_id": str(SERVER), "query": ""})]),
    "too much content": ("content over 2000", [sent(content="x" * 2_001)]),
    "too much content in an answer": ("content", [answered(4, content="x" * 2_001)]),
    "too much content in an update": ("content", [answered(7, content="x" * 2_001)]),
    "too much content in a follow-up": ("content", [followed_up(content="x" * 2_001)]),
    "too much content in an edit": ("content", [edited(content="x" * 2_001)]),
    "too much content in a message's edit": (
        "content over 2000",
        [asked("PATCH", f"{MESSAGES}/200000000000000005", {"content": "x" * 2_001})],
    ),
    "too much in all embeds": ("embeds over 6000", [sent(embeds=[{"description": "x" * 3_001}] * 2)]),
    "too many embeds": ("embeds", [sent(embeds=[{"title": "x"}] * 11)]),
    "a long description": ("description", [sent(embeds=[{"description": "x" * 4_097}])]),
    "a long title": ("title", [sent(embeds=[{"title": "x" * 257}])]),
    "too many fields": ("fields", [sent(embeds=[{"fields": [{"name": "x", "value": "y"}] * 26}])]),
    "a long field": ("value", [sent(embeds=[{"fields": [{"name": "x", "value": "y" * 1_025}]}])]),
    "a long footer": ("footer", [sent(embeds=[{"footer": {"text": "x" * 2_049}}])]),
    "a custom id twice": ("'a' twice", [sent(components=[row(button("a")), row(button("a"))])]),
    "a custom id twice in an answer": ("'a' twice", [answered(4, components=[row(button("a"), button("a"))])]),
    "a custom id twice in a modal": ("'a' twice", [modal(asks("a"), asks("a"))]),
    "a long custom id": ("custom_id", [sent(components=[row(button("x" * 101))])]),
    "too many options": ("options", [sent(components=[row(menu(*map(str, range(26))))])]),
    "an option twice": ("a value twice", [sent(components=[row(menu("a", "a"))])]),
    "a V2 layout with content": ("beside it", [sent(content="x", flags=LAYOUT, components=[text("y")])]),
    "a V2 layout with embeds": ("beside it", [edited(embeds=[{"title": "x"}], flags=LAYOUT, components=[text("y")])]),
    "V2 without its flag": ("without the flag", [sent(components=[container(text("x"))])]),
    "too many nested components": (
        "over 40 components",
        [sent(flags=LAYOUT, components=[container(*(row(button(str(n))) for n in range(20)))])],
    ),
    "too much V2 text": (
        "over 4000 characters",
        [answered(4, flags=LAYOUT, components=[container(text("x" * 2_001)), text("x" * 2_000)])],
    ),
    "a long nonce": ("nonce", [sent(content="x", nonce="n" * 26)]),
    "a long modal title": ("title", [modal(asks("a"), title="x" * 46)]),
    "a long label": ("label", [modal(asks("a", "x" * 46))]),
    "too many components in a modal": ("modal: over 5", [modal(*(asks(str(n)) for n in range(6)))]),
    "too many choices": ("choices", [choices(26)]),
    "a choice with a long name": ("name", [choices(1, name="x" * 101)]),
    "a choice with a long value": ("choices", [choices(1, value="x" * 101)]),
    "a long command description": ("description", [published(description="x" * 101)]),
    "a long command": ("of 8000", [published(options=SUBCOMMANDS)]),
    "a mention that nobody thought of": ("a mention without", [sent(content="hello <@200000000000000006>")]),
    "a mention in V2 text": ("a mention without", [followed_up(flags=LAYOUT, components=[text("@everyone")])]),
    "free text that may ping": ("be pinged", [answered(4, content="x", allowed_mentions={"parse": ["everyone"]})]),
    "a secret after a public wait": (
        "its visibility",
        [answered(5), followed_up(content="for you alone", flags=EPHEMERAL)],
    ),
}


@pytest.mark.parametrize("kind", VIOLATIONS)
def test_a_planted_violation_of_each_kind_is_seen(referee: Referee, kind: str) -> None:
    sign, planted = VIOLATIONS[kind]
    complaints = referee.complaints(planted)
    assert any(sign in line for line in complaints), complaints


def test_what_discord_accepts_is_not_complained_about(referee: Referee) -> None:
    clean = [
        sent(content="x" * 2_000, nonce="n" * 25, enforce_nonce=True),
        sent(content="<@200000000000000006>", allowed_mentions={"parse": [], "users": [200000000000000006]}),
        sent(embeds=[{"title": "t", "description": "x" * 4_096, "fields": [{"name": "x", "value": "y" * 1_000}]}]),
        sent(flags=LAYOUT, components=[container(*(row(button(str(n))) for n in range(19)))]),
        answered(4, flags=LAYOUT | EPHEMERAL, components=[text("x" * 4_000)], allowed_mentions=NOBODY),
        answered(5, flags=EPHEMERAL),
        followed_up(content="for you alone", flags=EPHEMERAL),
        followed_up(content="for all"),
        answered(5),
        edited(content="done"),
        followed_up(content="for you alone", flags=EPHEMERAL),
        answered(6),
        modal(*(asks(str(n)) for n in range(5)), title="x" * 45),
        choices(25, "x" * 100, "x" * 100),
        published(options=SUBCOMMANDS[:2], description="d" * 100),
        asked("POST", MESSAGES, {"content": "x"}, 403, {"code": 50013, "message": "Missing Permissions"}),
        asked("POST", MESSAGES, {"content": "x"}, 503, {"code": 0, "message": "a fault on demand"}),
        listed(limit="1000", after="200000000000000006"),
        Exchange("POST", CALLBACK, {"with_response": "1"}, {"type": 6}, None, None),
        from_bot(1, None),
        from_bot(6, {"token": "…", "session_id": "1", "seq": 4}),
        from_bot(8, {"guild_id": SERVER, "query": "", "limit": 0}),
        Frame("out", {"op": 7, "d": None}),
        Frame("out", {"op": 9, "d": True}),
    ]
    assert referee.complaints(clean) == []


def test_a_complaint_is_made_once(referee: Referee) -> None:
    assert len(referee.complaints([sent(content="x" * 3_000)] * 3)) == 1


def test_what_differs_from_something_clean_in_more_than_ids_is_judged_too(referee: Referee) -> None:
    def chunk(server: str) -> Frame:
        return event("GUILD_MEMBERS_CHUNK", guild_id=server, members=[], chunk_index=0, chunk_count=1)

    assert referee.complaints([chunk("200000000000000001"), chunk("200000000000000002")]) == []
    assert referee.complaints([event("GUILD_MEMBERS_CHUNK", guild_id=str(SERVER), members=[], chunk_index="0")])
