"""The action log as officers read it: filtered, paged, with what things are called now."""

from datetime import timedelta

import pytest

from bot.services import action_log, findings, links, pipeline
from bot.services.action_log import LogFilters
from bot.services.context import Context
from domain.acts import AREAS, ActKind, Doer
from domain.audit import SubjectKind
from domain.errors import InvalidInput
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_members,
    insert_server,
    load_issues,
    rename_character,
)

DEPUTY = OFFICER + 1


@pytest.fixture
async def ana(ctx: Context, clock: FakeClock, guild: int) -> int:
    """Ana was linked by an officer, unlinked by the deputy a day later, and ignored as a finding after that."""
    [ana] = await insert_characters(ctx, guild, Toon("Ana"))
    await insert_members(ctx, facts(1))
    await links.add(ctx, SERVER, character_id=ana, user_id=1, actor_id=OFFICER)
    clock.now += timedelta(days=1)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=DEPUTY)
    await pipeline.follow_up(ctx, SERVER)
    clock.now += timedelta(days=1)
    [issue] = await load_issues(ctx, "orphan_wow")
    await findings.ignore(ctx, SERVER, issue.public_id, reason="a bank", until=None, actor_id=OFFICER)
    return ana


async def read(ctx: Context, filters: LogFilters, *, page: int = 0, size: int = 10) -> list[str]:
    found = await action_log.read(ctx, SERVER, filters, page=page, size=size)
    return [entry.act.action for entry in found.entries]


async def test_the_last_act_comes_first_and_filters_leave_out_what_does_not_fit(
    ctx: Context, clock: FakeClock, ana: int
) -> None:
    people = ["finding.ignore", "link.remove", "link.add"]
    assert await read(ctx, LogFilters(by=Doer.PEOPLE)) == people
    assert set(await read(ctx, LogFilters(by=Doer.MUSTER))) == {"finding.open"}
    assert len(await read(ctx, LogFilters())) == len(people) + len(await read(ctx, LogFilters(by=Doer.MUSTER)))
    assert await read(ctx, LogFilters(actor_id=DEPUTY)) == ["link.remove"]
    assert await read(ctx, LogFilters(by=Doer.PEOPLE, kind=ActKind.FINDINGS)) == ["finding.ignore"]
    assert await read(ctx, LogFilters(kind=ActKind.LINKS, since=clock.now - timedelta(days=1))) == ["link.remove"]
    assert await read(ctx, LogFilters(kind=ActKind.SETTINGS)) == []


async def test_pages_of_the_log_lie_within_it(ctx: Context, ana: int) -> None:
    people = LogFilters(by=Doer.PEOPLE)
    assert await read(ctx, people, page=1, size=2) == await read(ctx, people, page=9, size=2) == ["link.add"]
    nothing = await action_log.read(ctx, SERVER, LogFilters(actor_id=99), page=4, size=2)
    assert (nothing.entries, nothing.total, nothing.page, nothing.pages) == ((), 0, 0, 1)


async def test_a_character_is_called_what_it_is_called_now(ctx: Context, ana: int) -> None:
    await rename_character(ctx, ana, "Annabel")
    found = await action_log.read(ctx, SERVER, LogFilters(by=Doer.PEOPLE), page=0, size=10)
    assert {(entry.act.subject, entry.name) for entry in found.entries} == {(SubjectKind.CHARACTER, "Annabel")}


async def test_a_server_reads_only_its_own_log(ctx: Context, ana: int) -> None:
    other = await insert_server(ctx, 200)
    assert (await action_log.read(ctx, other, LogFilters(), page=0, size=10)).total == 0


async def test_a_time_is_read_in_the_servers_zone_and_what_is_none_is_refused(
    ctx: Context, clock: FakeClock, guild: int
) -> None:
    async def since(text: str | None) -> LogFilters:
        return await action_log.filters(ctx, SERVER, actor_id=None, by=Doer.ALL, kind=None, since=text)

    assert (await since("2d")).since == clock.now - timedelta(days=2)
    assert (await since(None)).since is None
    with pytest.raises(InvalidInput, match="`lately` is no time"):
        await since("lately")


def test_every_area_of_acts_is_of_one_kind() -> None:
    areas = [area for kind in ActKind for area in AREAS[kind]]
    assert len(areas) == len(set(areas))
