"""What the syncs tell in the audit channel by themselves: news, failures, and held departures as findings."""

from typing import Any

import pytest

from bot.services.news import NAMED_LINKS, StandingLink
from bot.services.outbox import Delivery
from cogs.common.paginator import check_budget
from cogs.sync.news import links_card, news_card, render_outage
from db.tables.servers import GuildRank
from domain.audit import State
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import Source
from domain.news import LINES, NAMES
from tests.cogs.audit.acting import character_id
from tests.cogs.home import Home, text_of
from tests.cogs.link.small import read_all, shrink
from tests.support.people import insert_note, load_issues

HOSTILE = "@everyone\u202e*_~`[x](http://y)" * 5
NOBODY: dict[str, Any] = {"count": 0, "names": []}


def news(**others: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"renamed": [], "more_renamed": 0, "moved": [], "more_moved": 0}
    return {"guild": "G", "joined": NOBODY, "returned": NOBODY, "departed": NOBODY} | nothing | others


def said(card: Any) -> str:
    return "\n".join(part["content"] for part in card.to_components()[0]["components"] if part["type"] == 10)


async def test_rank_moves_are_lines_with_the_ranks_own_names_and_nothing_pings(home: Home) -> None:
    first, second, *_ = shrink(home, 6)
    first.rank, second.rank = 3, 4
    guild = await home.follow()
    await read_all(home)
    async with home.services.ctx.sessions.begin() as session:
        session.add(GuildRank(server_id=home.server.id, guild_id=guild.id, rank_index=1, name="Officer"))
        session.add(GuildRank(server_id=home.server.id, guild_id=guild.id, rank_index=3, name="*Raider*"))
    await home.report_to(home.audit)
    first.rank, second.rank = 1, 7
    home.clock.advance(hours=6)
    await home.sync_roster()
    await home.deliver()

    [told] = [text_of(one) for one in home.audit.history() if "the roster changed" in text_of(one)]
    assert told.splitlines() == [
        f"## {home.sample.guild.name}: the roster changed",
        f"⬆️ **{first.name}**: \\*Raider\\* → Officer",
        f"⬇️ **{second.name}**: Rank 4 → Rank 7",
    ]
    calls = [call for call in home.env.http_requests if call.path.endswith(f"/channels/{home.audit.id}/messages")]
    assert all(call.json["allowed_mentions"] == {"parse": []} for call in calls)


async def test_a_roster_that_changes_nothing_says_nothing(home: Home) -> None:
    shrink(home, 3)
    await read_all(home)
    await home.report_to(home.audit)
    await home.sync_roster()
    await home.deliver()
    assert not any("the roster changed" in text_of(one) for one in home.audit.history())


def test_each_kind_of_news_is_a_line_and_the_rest_is_counted() -> None:
    card = news_card(
        news(
            joined={"count": 12, "names": ["Ana", "Bo"]},
            departed={"count": 1, "names": ["Cid"]},
            renamed=[
                {"before": "Old", "after": "New", "realm_before": "a", "realm_after": "a"},
                {"before": "Mel", "after": "Mel", "realm_before": "area-52", "realm_after": "stormrage"},
            ],
            moved=[{"name": "Bob", "before": 5, "after": 4}],
            more_moved=3,
        ),
        {4: "Officer", 5: "Raider"},
    )
    assert said(card).splitlines()[1:] == [
        "➕ **12 characters joined**: Ana, Bo … and 10 more",
        "➖ **1 character left**: Cid",
        "⬆️ **Bob**: Raider → Officer",
        "… and 3 more rank moves",
        "✏️ Old → **New**",
        "✏️ **Mel**: area\\-52 → stormrage",
    ]


def test_news_of_the_longest_and_most_hostile_names_fit_into_one_message() -> None:
    people = {"count": 1_000, "names": [HOSTILE] * NAMES}
    rename = {"before": HOSTILE, "after": HOSTILE, "realm_before": HOSTILE, "realm_after": HOSTILE}
    card = news_card(
        news(
            guild=HOSTILE,
            joined=people,
            returned=people,
            departed=people,
            renamed=[rename] * LINES,
            more_renamed=900,
            moved=[{"name": HOSTILE, "before": 9, "after": 0}] * LINES,
            more_moved=900,
        ),
        {0: HOSTILE, 9: HOSTILE},
    )
    check_budget(card)
    assert "\u202e" not in said(card)
    assert "@everyone" not in said(card)


def noted(name: str, user_id: int, place: str, written: str) -> StandingLink:
    rule = Evidence(RuleName.NOTE_NAMES_MEMBER, Strength.STRONG, Source(place), Place(place), written, "bob")
    return StandingLink(1, user_id, name, {"round": 1, "reasons": [rule.to_json()]})


def test_new_links_are_told_with_why_and_without_what_an_officer_note_says() -> None:
    card = links_card(4, [noted("Ana", 7, "guild_note", "dc: bob"), noted("Cid", 8, "officer_note", "secret bob")])
    title, *lines = said(card).splitlines()
    assert title == "## Notes from the game: 4 links are new"
    assert lines[:3] == [
        "- **Ana** → <@7>: the public note says “dc: bob”, and that is bob",
        "- **Cid** → <@8>: officers noted it",
        "… and 2 more links",
    ]
    assert "no role and no rank" in lines[3]


def test_new_links_of_the_most_hostile_names_fit_into_one_message() -> None:
    card = links_card(1_000, [noted(HOSTILE, 2**63 - 1, "guild_note", HOSTILE * 9)] * NAMED_LINKS)
    check_budget(card)
    assert "\u202e" not in said(card)
    assert "@everyone" not in said(card)
    assert "more links" in said(card)


async def test_links_that_notes_led_to_are_posted_once_and_ping_nobody(home: Home) -> None:
    first, *_ = shrink(home, 3)
    await read_all(home)
    await home.report_to(home.audit)
    ctx, server_id = home.services.ctx, home.server.id
    await insert_note(ctx, await character_id(home, first.name), "discord: mia", server_id=server_id)
    for _ in range(2):
        await home.sync_roster()
        await home.deliver()
    [told] = [text_of(one) for one in home.audit.history() if "Notes from the game" in text_of(one)]
    assert f"- **{first.name}** → <@{home.plain.id}>: the public note says “mia”" in told
    calls = [call for call in home.env.http_requests if call.path.endswith(f"/channels/{home.audit.id}/messages")]
    assert all(call.json["allowed_mentions"] == {"parse": []} for call in calls)


async def outage(word: str, source: str = "blizzard_api", reason: str | None = "no answer") -> str:
    payload = {"word": word, "source": source, "since": "2026-01-02T00:00:00+00:00", "failures": 7, "reason": reason}
    view = (await render_outage(Delivery(1, 2, "outage", 3, None, payload, 0, "n"))).view
    check_budget(view)
    return said(view)


@pytest.mark.parametrize("source", ["blizzard_api", "discord_bot"])
async def test_a_failure_says_since_when_why_and_that_nothing_is_lost(source: str) -> None:
    text = await outage("failing", source, HOSTILE * 20)
    assert "can't be read" in text
    assert "7 tries failed since <t:1767312000:f>" in text
    assert "**Nothing was changed.**" in text
    assert "@everyone" not in text
    assert "no reason given" in await outage("failing", source, None)


async def test_its_end_says_since_when_it_was_not_read() -> None:
    assert await outage("over") == "✅ **The roster is read again.** It could not be since <t:1767312000:f>."


async def test_held_departures_are_told_by_their_card_which_marks_the_finding(home: Home) -> None:
    await read_all(home)
    await home.report_to(home.audit)
    await home.officer.slash(home.general, "audit run")
    home.leave(20)
    await home.sync_roster()
    await home.deliver()
    told = [text_of(one) for one in home.audit.history()]
    assert sum("## Departures held" in one for one in told) == 1
    assert not any("Departures that wait" in one for one in told if "new since" in one)
    [finding] = await load_issues(home.services.ctx, "held_departures", home.server.id)
    assert (finding.state, finding.notified_at is not None) == (State.NOTIFIED, True)


async def test_a_card_that_did_not_arrive_marks_nothing(home: Home) -> None:
    await read_all(home)
    await home.report_to(home.audit)
    await home.officer.slash(home.general, "audit run")
    home.env.inject_error("POST", f"/channels/{home.audit.id}/messages", status=403, code=50013)
    home.leave(20)
    await home.sync_roster()
    await home.deliver()
    [finding] = await load_issues(home.services.ctx, "held_departures", home.server.id)
    assert finding.state is State.OPEN
