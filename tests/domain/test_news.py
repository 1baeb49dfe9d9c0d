"""What of a roster is worth telling."""

from dataclasses import replace

import pytest

from domain.news import LINES, NAMES, Named, RankMove, Rename, RosterNews, news_of
from domain.roster import Identity, RosterEntry, RosterPlan, StoredCharacter, plan


def entry(
    number: int, name: str | None = None, *, rank: int = 5, realm: str = "stormrage", level: int = 80
) -> RosterEntry:
    return RosterEntry(Identity(60, number), name or f"N{number:03}", realm, 1, 1, level, "HORDE", rank)


def stored(one: RosterEntry, *, member: bool = True) -> StoredCharacter:
    return StoredCharacter(
        one.identity.blizzard_id,
        one.identity,
        one.name,
        one.realm_slug,
        one.class_id,
        one.race_id,
        one.level,
        one.faction,
        one.rank if member else None,
        None,
    )


GUILD = [entry(number) for number in range(1, 41)]


def told(before: list[StoredCharacter], after: list[RosterEntry], *, is_first: bool = False) -> RosterNews | None:
    return news_of(plan(before, after), is_first=is_first)


def changed(*others: RosterEntry) -> list[RosterEntry]:
    """Give the guild's roster with some of its lines instead of theirs."""
    instead = {one.identity: one for one in others}
    return [instead.get(one.identity, one) for one in GUILD]


MEMBERS = [stored(one) for one in GUILD]
NOTHING = RosterNews(Named(0, ()), Named(0, ()), Named(0, ()), (), 0, (), 0)


def test_an_unchanged_roster_and_mere_levels_are_no_news() -> None:
    assert told(MEMBERS, GUILD) is None
    assert told(MEMBERS, changed(entry(3, level=81))) is None


def test_departures_that_wait_for_an_officer_are_no_news_yet() -> None:
    assert told(MEMBERS, GUILD[:15]) is None


def test_a_guilds_first_roster_is_no_news_however_many_it_brings() -> None:
    assert told([], GUILD, is_first=True) is None
    assert told([], GUILD) is not None


def test_who_came_went_and_came_back_is_news_by_name() -> None:
    back = entry(70, "Back")
    news = told([*MEMBERS, stored(back, member=False)], [*GUILD[1:], entry(80, "Newcomer"), back])
    assert news == replace(
        NOTHING, joined=Named(1, ("Newcomer",)), returned=Named(1, ("Back",)), departed=Named(1, ("N001",))
    )


def test_another_name_and_another_realm_are_news() -> None:
    news = told(MEMBERS, changed(entry(2, "Other"), entry(3, realm="area-52")))
    assert news is not None
    assert news.renamed == (
        Rename("N003", "N003", "stormrage", "area-52"),
        Rename("N002", "Other", "stormrage", "stormrage"),
    )


def test_rank_moves_are_told_the_highest_ranks_first() -> None:
    news = told(MEMBERS, changed(entry(2, rank=4), entry(3, rank=1), entry(4, rank=9)))
    assert news is not None
    assert news.moved == (RankMove("N003", 5, 1), RankMove("N002", 5, 4), RankMove("N004", 5, 9))


@pytest.mark.parametrize("extra", [0, 7])
def test_long_lists_are_capped_and_the_rest_is_counted(extra: int) -> None:
    newcomers = [entry(number) for number in range(100, 100 + NAMES + extra)]
    moves = [entry(number, rank=3) for number in range(1, 1 + LINES + extra)]
    news = told(MEMBERS, [*changed(*moves), *newcomers])
    assert news is not None
    assert (news.joined.count, len(news.joined.names)) == (NAMES + extra, NAMES)
    assert (len(news.moved), news.more_moved) == (LINES, extra)


def test_an_empty_plan_is_no_news() -> None:
    assert news_of(RosterPlan((), (), (), (), (), (), (), (), (), 3), is_first=False) is None
