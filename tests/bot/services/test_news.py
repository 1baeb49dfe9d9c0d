"""What a roster changed is queued once for the servers of its guild, when it is worth it."""

from typing import Any

from bot.services import news
from bot.services.news import NEWS
from db.tables.servers import GuildRank
from tests.support.clock import FakeClock
from tests.support.scene import SERVER, Scene, adventurer, follow

OTHER_SERVER, OTHER_CHANNEL = 5_002, 7_002


async def told(scene: Scene) -> list[dict[str, Any]]:
    return await scene.query(
        "SELECT payload FROM guild_identity.outbox WHERE kind = :kind AND server_id = :id ORDER BY id",
        kind=NEWS,
        id=SERVER,
    )


async def test_a_first_roster_and_one_that_changes_nothing_are_not_told(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    clock.advance(hours=6)
    await scene.sync()
    assert await told(scene) == []


async def test_who_came_went_was_renamed_and_moved_is_told_once_with_names_and_ranks(
    scene: Scene, clock: FakeClock
) -> None:
    await scene.sync()
    scene.leave(1)
    scene.world.rename(scene.member(2), "Renamed")
    moved = scene.member(3)
    moved.rank = 2
    scene.world.join(scene.world.add(adventurer(50)), scene.guild, 9)
    clock.advance(hours=6)
    await scene.sync()
    clock.advance(hours=6)
    await scene.sync()
    [facts] = await told(scene)
    assert facts["joined"] == {"count": 1, "names": [adventurer(50).name]}
    assert facts["departed"] == {"count": 1, "names": [adventurer(1).name]}
    assert facts["returned"]["count"] == 0
    assert [(one["before"], one["after"]) for one in facts["renamed"]] == [(adventurer(2).name, "Renamed")]
    assert facts["moved"] == [{"name": moved.name, "before": 5, "after": 2}]


async def test_departures_that_are_held_are_told_by_their_own_card_alone(scene: Scene) -> None:
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)
    await scene.sync()
    assert await told(scene) == []


async def test_every_server_of_the_guild_is_told(scene: Scene) -> None:
    await follow(scene.ctx, scene.guild, server_id=OTHER_SERVER, channel_id=OTHER_CHANNEL)
    await scene.sync()
    scene.leave(1)
    await scene.sync()
    assert await scene.query(
        "SELECT server_id, channel_id FROM guild_identity.outbox WHERE kind = :kind ORDER BY id", kind=NEWS
    ) == [(SERVER, 7_001), (OTHER_SERVER, OTHER_CHANNEL)]


async def test_ranks_are_called_as_each_server_calls_them(scene: Scene) -> None:
    await scene.sync()
    async with scene.ctx.sessions.begin() as session:
        session.add(GuildRank(server_id=SERVER, guild_id=scene.guild_id, rank_index=5, name="Raider"))
    assert await news.rank_names(scene.ctx, SERVER) == {5: "Raider"}
    assert await news.rank_names(scene.ctx, OTHER_SERVER) == {}
