"""Options are stored when they differ, logged once, and heeded by what they are about."""

import asyncio
from dataclasses import replace

import pytest

from bot.services import options, servers
from bot.services.context import Context
from domain.errors import InvalidInput, NotFound
from domain.links import LinkMode
from domain.options import Options
from tests.support.people import OFFICER, SERVER, insert_server, load_actions
from tests.support.scene import Scene


async def test_a_server_starts_with_the_options_of_the_product(ctx: Context) -> None:
    await servers.note_presence(ctx, SERVER, "one")
    shown = await options.change(ctx, SERVER, {}, actor_id=OFFICER)
    assert (shown.options, shown.changed) == (Options(), ())
    assert (await servers.view(ctx, SERVER)).options == Options()


async def test_each_option_is_stored_and_the_log_tells_what_changed_and_no_more(ctx: Context) -> None:
    await insert_server(ctx)
    wanted = Options("Europe/Berlin", "de", LinkMode.SUGGEST, 3, 30, 48, 60, 10, 7, 14, digest=False)
    given = {"time_zone": "berlin", "locale": "de", "link_mode": "suggest", "roster_hours": 3, "member_minutes": 30}
    given |= {"profile_hours": 48, "stale_days": 60, "report_lines": 10, "data_days": 7, "note_days": 14}
    given |= {"digest": False}
    changed = await options.change(ctx, SERVER, given, actor_id=OFFICER)
    assert (changed.options, set(changed.changed)) == (wanted, set(given))
    assert (await servers.view(ctx, SERVER)).options == wanted

    await options.change(ctx, SERVER, {"roster_hours": 6, "stale_days": 60}, actor_id=OFFICER)
    assert (await servers.view(ctx, SERVER)).options == replace(wanted, roster_hours=6)
    *_, last = await load_actions(ctx, "setup.options")
    assert (last.actor_id, last.before, last.after) == (OFFICER, {"roster_hours": 3}, {"roster_hours": 6})


async def test_equal_options_write_nothing(scene: Scene) -> None:
    before = await scene.versions("guild_identity.servers")
    [server_id] = await scene.query("SELECT id FROM guild_identity.servers")
    changed = await options.change(scene.ctx, server_id, {"time_zone": "UTC", "roster_hours": 6}, actor_id=OFFICER)
    assert changed.changed == ()
    assert await scene.versions("guild_identity.servers") == before
    assert await scene.query("SELECT id FROM guild_identity.action_log") == []


async def test_one_value_that_cannot_stand_refuses_them_all(ctx: Context) -> None:
    await insert_server(ctx)
    with pytest.raises(InvalidInput, match="`stale_days` takes"):
        await options.change(ctx, SERVER, {"roster_hours": 3, "stale_days": 0}, actor_id=OFFICER)
    assert (await servers.view(ctx, SERVER)).options == Options()


async def test_a_server_that_muster_does_not_know_has_no_options(ctx: Context) -> None:
    with pytest.raises(NotFound):
        await options.change(ctx, SERVER, {}, actor_id=OFFICER)


async def test_two_officers_at_once_lose_no_change_and_log_what_each_saw(scratch_ctx: Context) -> None:
    await insert_server(scratch_ctx)
    await asyncio.gather(
        *(
            options.change(scratch_ctx, SERVER, given, actor_id=OFFICER)
            for given in ({"roster_hours": 3}, {"roster_hours": 12}, {"stale_days": 90})
        )
    )
    logged = [(one.before, one.after) for one in await load_actions(scratch_ctx, "setup.options")]
    hours = [(before["roster_hours"], after["roster_hours"]) for before, after in logged if "roster_hours" in after]
    assert hours in ([(6, 3), (3, 12)], [(6, 12), (12, 3)])
    now = (await servers.view(scratch_ctx, SERVER)).options
    assert (now.roster_hours, now.stale_days) == (hours[-1][1], 90)
