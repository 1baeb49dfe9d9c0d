"""A server's own affairs: presence, the guild it follows, its channels; and how things stand."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.battlenet.client import BattleNetClient
from bot.services import servers, status
from bot.services.context import Context
from bot.services.servers import FollowedGuild
from db import outbox
from db.tables.outbox import OutboxState
from domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from domain.regions import Region
from domain.runs import RunSource, RunStatus
from sandbox.battlenet import BattleNetStandIn, Fault, HalfJson, Html, Reset, Status
from sandbox.world import Guild
from tests.support.clock import FakeClock
from tests.support.scene import CHANNEL, ELSEWHERE, HOME, OFFICER, SERVER, Scene

ROLE = 8_001


@pytest.fixture
async def present(ctx: Context) -> Context:
    """Let Muster be in the server."""
    await servers.note_presence(ctx, SERVER, "The Ember Vigil's place")
    return ctx


@pytest.fixture
def rival(stand_in: BattleNetStandIn) -> Guild:
    """Let there be a second guild on another realm."""
    guild = Guild(71, "L'Étoile du Nord", "létoile-du-nord", ELSEWHERE, "HORDE")
    stand_in.world.guilds.append(guild)
    return guild


async def setup_guild(ctx: Context, battlenet: BattleNetClient, **words: Any) -> FollowedGuild:
    asked: dict[str, Any] = {"region": Region.EU, "realm": "amberfall", "name": "The Ember Vigil"} | words
    return await servers.follow_guild(ctx, battlenet, SERVER, actor_id=OFFICER, **asked)


async def test_a_server_follows_a_guild_that_battle_net_knows(present: Context, battlenet: BattleNetClient) -> None:
    followed = await setup_guild(present, battlenet)
    assert followed == FollowedGuild(
        followed.id, "The Ember Vigil", Region.EU, "Amberfall", "ALLIANCE", roster_synced_at=None, member_count=8
    )
    assert (await servers.view(present, SERVER)).guild == replace(followed, member_count=None)


@pytest.mark.parametrize("realm", ["dusk-forest", "Dusk Forest", "dusk forest", "Сумеречный бор", " DUSK-FOREST "])
async def test_a_realm_is_found_by_its_slug_or_any_of_its_names(
    present: Context, stand_in: BattleNetStandIn, battlenet: BattleNetClient, realm: str
) -> None:
    home = stand_in.world.realm("eu", "dusk-forest")
    assert home is not None
    stand_in.world.guilds.append(Guild(72, "Полночь", "полночь", home, "HORDE"))
    followed = await setup_guild(present, battlenet, realm=realm, name="полночь")
    assert (followed.name, followed.realm_name) == ("Полночь", "Dusk Forest")


@pytest.mark.parametrize("name", ["the ember vigil", "the-ember-vigil", "  THE EMBER VIGIL "])
async def test_a_guild_is_found_however_its_name_is_cased(
    present: Context, battlenet: BattleNetClient, name: str
) -> None:
    assert (await setup_guild(present, battlenet, name=name)).name == "The Ember Vigil"


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        ({"realm": "Nowhere"}, NotFound, "no realm `Nowhere` in region EU"),
        ({"realm": "copper-ridge"}, NotFound, "no realm"),
        ({"realm": "  "}, NotFound, "no realm"),
        ({"realm": "***"}, NotFound, "no realm"),
        ({"name": "Nobody"}, NotFound, "no guild `Nobody` on `amberfall`"),
        ({"realm": "stillmoor"}, NotFound, "home realm"),
        ({"name": "  "}, InvalidInput, "Type the guild's name"),
    ],
)
async def test_an_unknown_realm_or_guild_is_said_to_be_so_and_changes_nothing(
    present: Context, battlenet: BattleNetClient, words: dict[str, str], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        await setup_guild(present, battlenet, **words)
    assert (await servers.view(present, SERVER)).guild is None


@pytest.mark.parametrize("fault", [Status(403), Status(503), Status(429), Html(), HalfJson(), Reset()], ids=str)
async def test_while_battle_net_is_down_nothing_is_set_up_and_the_user_is_told(
    scene: Scene, rival: Guild, fault: Fault
) -> None:
    scene.stand_in.faults.add("*", fault, times=None)
    with pytest.raises(Unavailable):
        await setup_guild(
            scene.ctx, scene.battlenet, realm="twilight-harbor", name=rival.name, giving_up=scene.guild.name
        )
    guild = (await servers.view(scene.ctx, SERVER)).guild
    assert guild is not None
    assert guild.id == scene.guild_id


async def test_the_same_guild_again_needs_no_word_and_is_no_change(scene: Scene) -> None:
    assert (await setup_guild(scene.ctx, scene.battlenet)).id == scene.guild_id
    assert await scene.query("SELECT id FROM guild_identity.action_log") == []


@pytest.mark.parametrize("typed", [None, "", "yes", "The Ember"])
async def test_another_guild_needs_the_name_of_the_one_given_up(scene: Scene, rival: Guild, typed: str | None) -> None:
    with pytest.raises(Conflict, match=r"follows The Ember Vigil \(.*type `The Ember Vigil`.*That ends") as refused:
        await setup_guild(scene.ctx, scene.battlenet, realm="twilight-harbor", name=rival.name, giving_up=typed)
    for guild in (scene.guild, rival):  # two guilds of one name differ by their realm
        assert f"{guild.name} ({guild.realm.name})" in refused.value.text
    assert await scene.query("SELECT guild_id FROM guild_identity.server_guilds") == [scene.guild_id]
    assert await scene.query("SELECT name FROM common.guilds") == ["The Ember Vigil"]


async def test_of_two_guilds_set_up_at_once_the_server_follows_one(
    scratch_ctx: Context, battlenet: BattleNetClient, rival: Guild
) -> None:
    await servers.note_presence(scratch_ctx, SERVER, "one")
    answers = await asyncio.gather(
        setup_guild(scratch_ctx, battlenet),
        setup_guild(scratch_ctx, battlenet, realm="twilight-harbor", name=rival.name),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "FollowedGuild"]


async def test_with_the_name_typed_the_server_follows_the_other_guild_and_the_log_says_so(
    scene: Scene, rival: Guild
) -> None:
    followed = await setup_guild(
        scene.ctx, scene.battlenet, realm="twilight-harbor", name=rival.name, giving_up="the ember vigil"
    )
    assert await scene.query("SELECT guild_id FROM guild_identity.server_guilds") == [followed.id]
    assert await scene.query("SELECT actor_id, action, before, after FROM guild_identity.action_log") == [
        (
            OFFICER,
            "setup.guild",
            {"guild_id": scene.guild_id, "name": "The Ember Vigil", "ranks": [], "overrides": [], "given_roles": 0},
            {"guild_id": followed.id, "name": rival.name},
        )
    ]


async def test_a_renamed_guild_is_the_same_guild(scene: Scene) -> None:
    await scene.sync()
    scene.world.guilds[0] = replace(scene.guild, name="Ashes", slug="ashes")
    followed = await setup_guild(scene.ctx, scene.battlenet, name="Ashes")
    assert (followed.id, followed.name) == (scene.guild_id, "Ashes")
    assert followed.roster_synced_at is not None


async def test_two_servers_may_follow_one_guild(scene: Scene) -> None:
    await servers.note_presence(scene.ctx, 5_002, "allies")
    followed = await servers.follow_guild(
        scene.ctx, scene.battlenet, 5_002, region=Region.EU, realm=HOME.name, name=scene.guild.name, actor_id=OFFICER
    )
    assert followed.id == scene.guild_id
    assert await scene.query("SELECT server_id FROM guild_identity.server_guilds ORDER BY 1") == [SERVER, 5_002]


async def test_a_server_that_muster_does_not_know_has_no_view_and_no_settings(
    ctx: Context, battlenet: BattleNetClient
) -> None:
    with pytest.raises(NotFound):
        await servers.view(ctx, SERVER)
    with pytest.raises(NotFound):
        await setup_guild(ctx, battlenet)
    with pytest.raises(NotFound):
        await servers.set_audit_channel(ctx, SERVER, CHANNEL, actor_id=OFFICER)
    assert await servers.officer_role_id(ctx, SERVER) is None


async def test_presence_is_written_when_it_changes_and_keeps_the_settings(scene: Scene, clock: FakeClock) -> None:
    async def row() -> list[object]:
        columns = "name, left_at, audit_channel_id, locale, profile_interval_hours"
        return await scene.query(f"SELECT {columns} FROM guild_identity.servers")  # noqa: S608

    before = await scene.versions("guild_identity.servers")
    await servers.note_presence(scene.ctx, SERVER, f"server {SERVER}")
    assert await scene.versions("guild_identity.servers") == before
    await servers.note_absence(scene.ctx, SERVER)
    assert await row() == [(f"server {SERVER}", clock.now, CHANNEL, "en-US", 24)]
    clock.advance(days=1)
    await servers.note_presence(scene.ctx, SERVER, "renamed")
    assert await row() == [("renamed", None, CHANNEL, "en-US", 24)]


async def test_the_audit_channel_is_chosen_or_taken_away_and_each_change_logged_once(scene: Scene) -> None:
    for channel in (CHANNEL, 7_002, 7_002, None):
        await servers.set_audit_channel(scene.ctx, SERVER, channel, actor_id=OFFICER)
    assert (await servers.view(scene.ctx, SERVER)).audit_channel_id is None
    logged = await scene.query("SELECT action, before, after FROM guild_identity.action_log ORDER BY id")
    assert logged == [
        ("setup.channels", {"audit_channel_id": CHANNEL}, {"audit_channel_id": 7_002}),
        ("setup.channels", {"audit_channel_id": 7_002}, {"audit_channel_id": None}),
    ]


async def test_two_officers_at_once_choose_one_channel_after_the_other(scratch_scene: Scene) -> None:
    """Else what waits for the channel of the first would stay there."""
    ctx = scratch_scene.ctx
    chosen = range(7_002, 7_010)
    await asyncio.gather(*(servers.set_audit_channel(ctx, SERVER, channel, actor_id=OFFICER) for channel in chosen))

    logged = await scratch_scene.query(
        "SELECT before -> 'audit_channel_id', after -> 'audit_channel_id' FROM guild_identity.action_log ORDER BY id"
    )
    assert [before for before, _ in logged] == [CHANNEL, *(after for _, after in logged[:-1])]


async def test_the_officers_role_is_read_from_the_settings(scene: Scene) -> None:
    assert await servers.officer_role_id(scene.ctx, SERVER) is None
    async with scene.ctx.sessions.begin() as session:
        server = await session.get(servers.Server, SERVER)
        assert server is not None
        server.officer_role_id = ROLE
    assert await servers.officer_role_id(scene.ctx, SERVER) == ROLE
    assert (await servers.view(scene.ctx, SERVER)).officer_role_id == ROLE


async def test_a_view_tells_why_the_last_message_could_not_be_delivered(scene: Scene, clock: FakeClock) -> None:
    async def send(state: OutboxState, reason: str | None) -> None:
        async with scene.ctx.sessions.begin() as session:
            words = {"kind": "word", "channel_id": CHANNEL, "payload": {}, "dedupe_key": "one"}
            message_id = await outbox.queue(session, server_id=SERVER, now=clock.advance(minutes=1), **words)
            await outbox.end(session, message_id, state=state, now=clock.now, reason=reason)

    await send(OutboxState.FAILED, "no access")
    assert (await servers.view(scene.ctx, SERVER)).undelivered == "no access"
    await send(OutboxState.DELIVERED, None)
    assert (await servers.view(scene.ctx, SERVER)).undelivered is None


async def test_the_newest_run_of_each_source_is_shown(scene: Scene, clock: FakeClock) -> None:
    assert (await status.last_runs(scene.ctx, SERVER), await status.last_good_sync(scene.ctx)) == ([], None)
    await scene.sync()
    good_at = clock.now
    clock.advance(hours=1)
    scene.stand_in.faults.add("*/roster", Status(404))
    await scene.sync()
    [shown] = await status.last_runs(scene.ctx, SERVER)
    assert (shown.source, shown.status, shown.started_at) == (RunSource.BLIZZARD_API, RunStatus.ERROR, clock.now)
    assert shown.reason == "Battle.net does not know the guild under this name (404)"
    assert await status.last_good_sync(scene.ctx) == good_at
