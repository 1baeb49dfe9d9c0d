"""Keys of uploaders: made, rotated, revoked, checked; by officers at once, and when Muster is removed."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa

from bot.services import servers, upload_keys
from bot.services.context import Context
from bot.services.upload_keys import NewKey, Uploader
from db.tables.servers import Server
from db.tables.uploads import UploadKey
from domain.errors import Conflict, FollowsNoGuild, InvalidInput, MusterError, NotFound
from domain.regions import Region
from domain.uploads import GuildName
from sandbox.world import Guild
from tests.support.clock import FakeClock
from tests.support.people import OFFICER, SERVER, insert_guild, insert_server, load_actions
from tests.support.scene import ELSEWHERE, Scene
from tests.support.scene import SERVER as SCENE_SERVER

SECOND = 8
OTHER_SERVER = 101
ZEROS = "0" * 64


async def create(ctx: Context, name: str = "Bob's PC", server_id: int = SERVER, by: int = OFFICER) -> NewKey:
    return await upload_keys.create(ctx, server_id, name=name, actor_id=by)


async def rows(ctx: Context) -> list[UploadKey]:
    """Load all keys as stored."""
    async with ctx.sessions() as session:
        return list(await session.scalars(sa.select(UploadKey).order_by(UploadKey.id)))


async def outcome_of(work: asyncio.Task[NewKey]) -> str:
    try:
        return (await work).key.name
    except Conflict as error:
        return error.text


@pytest.fixture
async def scratch_guild(scratch_ctx: Context) -> int:
    """Let a server follow a guild, on sessions that really commit."""
    return await insert_guild(scratch_ctx, await insert_server(scratch_ctx))


async def test_a_key_names_its_uploader_server_and_guild(ctx: Context, guild: int) -> None:
    new = await create(ctx, "  Bob's\n PC ")
    [row] = await rows(ctx)
    assert await upload_keys.check(ctx, new.text) == Uploader(
        row.id, "Bob's PC", SERVER, guild, GuildName("Raiders of Dawn", "Stormrage", "eu")
    )


async def test_a_key_is_told_once_and_only_a_hash_of_its_secret_is_stored(ctx: Context, guild: int) -> None:
    new = await create(ctx)
    assert re.fullmatch(rf"muster_{new.key.public_id}_[0-9a-f]{{64}}", new.text)
    secret = new.text.rpartition("_")[2]
    [row] = await rows(ctx)
    assert row.secret_hash == hashlib.sha256(secret.encode()).digest()
    assert secret not in repr(new)
    assert new.text not in repr(vars(row))


async def test_two_keys_have_nothing_in_common(ctx: Context, guild: int) -> None:
    made = [await create(ctx, name) for name in ("One", "Other")]
    assert len({part for new in made for part in new.text.split("_")[1:]}) == 4


async def test_keys_in_force_are_listed_by_name(ctx: Context, guild: int, clock: FakeClock) -> None:
    await create(ctx, "Zoe")
    clock.advance(hours=1)
    anna = await create(ctx, "anna", by=SECOND)
    gone = await create(ctx, "Gone")
    await upload_keys.revoke(ctx, SERVER, gone.key.public_id, actor_id=OFFICER)
    listed = await upload_keys.listed(ctx, SERVER)
    assert [key.name for key in listed] == ["anna", "Zoe"]
    assert listed[0] == anna.key
    assert (listed[0].created_by, listed[0].created_at) == (SECOND, clock())


@pytest.mark.parametrize("name", ["", " ", "x" * 41, "🦊", "\u200b\u202e", "\n\t"])
async def test_a_name_without_a_letter_or_over_the_limit_is_refused(ctx: Context, guild: int, name: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 40 characters"):
        await create(ctx, name)
    assert await rows(ctx) == []


@pytest.mark.parametrize("name", ["x" * 40, "@everyone", "**Bob**\u202e", "Ünï-\ud800Боб"])
async def test_any_other_name_is_stored_as_it_can_be_seen(ctx: Context, guild: int, name: str) -> None:
    stored = (await create(ctx, name)).key.name
    assert stored == "".join(char for char in name if char not in "\u202e\ud800")


async def test_a_name_is_used_once_among_the_keys_in_force(ctx: Context, guild: int) -> None:
    first = await create(ctx, "Bob's PC")
    with pytest.raises(Conflict, match=f"<@{OFFICER}> made a key called `Bob's PC` already"):
        await create(ctx, "BOBS pc!", by=SECOND)
    await upload_keys.revoke(ctx, SERVER, first.key.public_id, actor_id=OFFICER)
    assert (await create(ctx, "BOBS pc!")).key.name == "BOBS pc!"


async def test_another_server_may_use_the_same_name(ctx: Context, guild: int) -> None:
    await insert_guild(ctx, await insert_server(ctx, OTHER_SERVER))
    await create(ctx)
    assert (await create(ctx, server_id=OTHER_SERVER)).key.name == "Bob's PC"


async def test_at_most_25_keys_are_in_force(ctx: Context, guild: int) -> None:
    keys = [await create(ctx, f"PC {number}") for number in range(25)]
    with pytest.raises(Conflict, match="25 keys"):
        await create(ctx, "One more")
    await upload_keys.revoke(ctx, SERVER, keys[3].key.public_id, actor_id=OFFICER)
    await create(ctx, "One more")


async def test_a_server_without_a_guild_gets_no_key(ctx: Context) -> None:
    await insert_server(ctx)
    with pytest.raises(FollowsNoGuild):
        await create(ctx)


async def test_a_server_that_muster_is_not_in_gets_no_key(ctx: Context, guild: int) -> None:
    with pytest.raises(NotFound, match="does not know this server"):
        await create(ctx, server_id=OTHER_SERVER)
    await servers.note_absence(ctx, SERVER)
    with pytest.raises(NotFound, match="was removed"):
        await create(ctx)


async def test_after_a_rotation_the_old_key_is_dead_at_once(ctx: Context, guild: int, clock: FakeClock) -> None:
    old = await create(ctx)
    clock.advance(days=1)
    new = await upload_keys.rotate(ctx, SERVER, old.key.public_id, version=0, actor_id=SECOND)
    assert new.text != old.text
    assert (new.key.public_id, new.key.name, new.key.rotated_at) == (old.key.public_id, "Bob's PC", clock())
    assert await upload_keys.check(ctx, old.text) is None
    named = await upload_keys.check(ctx, new.text)
    assert named is not None
    assert named.name == "Bob's PC"


async def test_a_rotation_since_the_question_is_told_and_not_undone(ctx: Context, guild: int) -> None:
    public_id = (await create(ctx)).key.public_id
    new = await upload_keys.rotate(ctx, SERVER, public_id, version=0, actor_id=OFFICER)
    for by in (SECOND, OFFICER):
        with pytest.raises(Conflict, match=f"<@{OFFICER}> rotated `Bob's PC` after you were asked"):
            await upload_keys.rotate(ctx, SERVER, public_id, version=0, actor_id=by)
    assert await upload_keys.check(ctx, new.text) is not None


async def test_who_lost_the_text_of_a_key_rotates_it_again(ctx: Context, guild: int) -> None:
    lost = await create(ctx)
    public_id = lost.key.public_id
    news = [lost]
    for _ in range(2):
        news.append(await upload_keys.rotate(ctx, SERVER, public_id, version=news[-1].key.version, actor_id=OFFICER))
    assert [await upload_keys.check(ctx, new.text) is not None for new in news] == [False, False, True]


async def test_a_revoked_key_names_nobody_and_is_revoked_once(ctx: Context, guild: int) -> None:
    new = await create(ctx)
    assert await upload_keys.revoke(ctx, SERVER, new.key.public_id, actor_id=OFFICER) == new.key
    assert await upload_keys.check(ctx, new.text) is None
    for act in (upload_keys.revoke, partial(upload_keys.rotate, version=0)):
        with pytest.raises(Conflict, match=f"<@{OFFICER}> revoked `Bob's PC` already"):
            await act(ctx, SERVER, new.key.public_id, actor_id=SECOND)
    assert len(await load_actions(ctx, "addon.key_revoke")) == 1


async def test_the_key_of_another_server_is_not_found(ctx: Context, guild: int) -> None:
    await insert_server(ctx, OTHER_SERVER)
    public_id = (await create(ctx)).key.public_id
    for act in (upload_keys.revoke, partial(upload_keys.rotate, version=0)):
        with pytest.raises(NotFound):
            await act(ctx, OTHER_SERVER, public_id, actor_id=OFFICER)
        with pytest.raises(NotFound):
            await act(ctx, SERVER, "no such id", actor_id=OFFICER)


async def test_each_act_is_in_the_log_by_name_and_never_with_the_key(ctx: Context, guild: int) -> None:
    new = await create(ctx)
    public_id = new.key.public_id
    newer = await upload_keys.rotate(ctx, SERVER, public_id, version=0, actor_id=OFFICER)
    await upload_keys.revoke(ctx, SERVER, public_id, actor_id=SECOND)
    facts = {"public_id": public_id, "name": "Bob's PC"}
    [made] = await load_actions(ctx, "addon.key_create")
    [rotated] = await load_actions(ctx, "addon.key_rotate")
    [revoked] = await load_actions(ctx, "addon.key_revoke")
    told = [(one.actor_id, one.subject_id, one.before, one.after) for one in (made, rotated, revoked)]
    assert told == [
        (OFFICER, SERVER, None, facts),
        (OFFICER, SERVER, None, facts),
        (SECOND, SERVER, facts, None),
    ]
    for key in (new, newer):
        assert key.text.rpartition("_")[2] not in str(told)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: text + "0",
        lambda text: text[:-1],
        lambda text: text.upper(),
        lambda text: f"{text}\n",
        lambda text: text.replace("muster_", ""),
        lambda text: f"muster_{'f' * 12}_{text.rpartition('_')[2]}",
        lambda _: "",
        lambda _: "muster__",
        lambda _: "\udcff\x00",
        lambda _: f"muster_{'٣' * 12}_{ZEROS}",
    ],
)
async def test_any_other_text_names_nobody(ctx: Context, guild: int, spoil: Callable[[str], str]) -> None:
    assert await upload_keys.check(ctx, spoil((await create(ctx)).text)) is None


@pytest.mark.parametrize("kind", ["right", "wrong secret", "unknown", "no key", "revoked"])
async def test_every_key_takes_one_statement_and_one_comparison_in_constant_time(
    ctx: Context, guild: int, kind: str, monkeypatch: pytest.MonkeyPatch, statements: Callable[..., object]
) -> None:
    new = await create(ctx)
    if kind == "revoked":
        await upload_keys.revoke(ctx, SERVER, new.key.public_id, actor_id=OFFICER)
    text = {
        "wrong secret": f"muster_{new.key.public_id}_{ZEROS}",
        "unknown": f"muster_{'0' * 12}_{ZEROS}",
        "no key": "hello",
    }.get(kind, new.text)
    compared: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare_digest(one, other)

    compare_digest = secrets.compare_digest
    monkeypatch.setattr(upload_keys.secrets, "compare_digest", compare)
    with statements() as sent:  # type: ignore[attr-defined]
        named = await upload_keys.check(ctx, text)
    assert (named is not None) is (kind == "right")
    assert compared == [(32, 32)]
    assert len(sent) == 1


async def test_a_key_ends_with_the_removal_of_muster_and_does_not_come_back_with_it(ctx: Context, guild: int) -> None:
    new = await create(ctx)
    await servers.note_absence(ctx, SERVER)
    assert await upload_keys.check(ctx, new.text) is None
    await servers.note_presence(ctx, SERVER, "back")
    assert await upload_keys.check(ctx, new.text) is None
    assert await upload_keys.listed(ctx, SERVER) == []
    with pytest.raises(Conflict, match="Muster revoked"):
        await upload_keys.rotate(ctx, SERVER, new.key.public_id, version=0, actor_id=OFFICER)
    [told] = await load_actions(ctx, "addon.key_revoke")
    assert (told.actor_id, told.after) == (None, {"reason": "Muster was removed from the server"})
    assert told.before == {"public_id": new.key.public_id, "name": "Bob's PC"}


async def test_keys_of_servers_that_muster_was_removed_from_while_it_was_away_end_too(ctx: Context, guild: int) -> None:
    await insert_guild(ctx, await insert_server(ctx, OTHER_SERVER))
    gone, kept = await create(ctx), await create(ctx, server_id=OTHER_SERVER)
    await servers.note_servers(ctx, {OTHER_SERVER: "still here"}, in_no_other=True)
    assert await upload_keys.check(ctx, gone.text) is None
    assert await upload_keys.check(ctx, kept.text) is not None
    assert len(await load_actions(ctx, "addon.key_revoke", OTHER_SERVER)) == 0


@pytest.mark.parametrize("gone", ["the server", "the guild"])
async def test_a_key_of_a_server_or_guild_that_is_gone_names_nobody_even_in_force(
    ctx: Context, guild: int, clock: FakeClock, gone: str
) -> None:
    new = await create(ctx)
    if gone == "the guild":
        await insert_guild(ctx, SERVER, name="Rivals")
    else:
        async with ctx.sessions.begin() as session:
            await session.execute(sa.update(Server).values(left_at=clock()))
    assert [key.name for key in await upload_keys.listed(ctx, SERVER)] == ["Bob's PC"]
    assert await upload_keys.check(ctx, new.text) is None


async def test_an_outage_ends_no_key(ctx: Context, guild: int) -> None:
    new = await create(ctx)
    await servers.note_servers(ctx, {SERVER: None}, in_no_other=True)
    await servers.note_servers(ctx, {}, in_no_other=False)
    assert await upload_keys.check(ctx, new.text) is not None


async def test_a_key_ends_when_the_server_follows_another_guild(scene: Scene) -> None:
    rival = Guild(71, "Rivals", "rivals", ELSEWHERE, "HORDE")
    scene.world.guilds.append(rival)
    new = await create(scene.ctx, server_id=SCENE_SERVER)

    async def follow(guild: Guild, giving_up: str) -> None:
        words = {"realm": guild.realm.slug, "name": guild.name, "actor_id": OFFICER, "giving_up": giving_up}
        await servers.follow_guild(scene.ctx, scene.battlenet, SCENE_SERVER, region=Region.EU, **words)

    await follow(rival, scene.guild.name)
    assert await upload_keys.check(scene.ctx, new.text) is None
    await follow(scene.guild, rival.name)
    assert await upload_keys.check(scene.ctx, new.text) is None
    [told] = await load_actions(scene.ctx, "addon.key_revoke", SCENE_SERVER)
    assert (told.actor_id, told.after) == (None, {"reason": "the server follows another guild"})


async def test_of_two_officers_who_make_a_key_of_one_name_at_once_one_does(
    scratch_ctx: Context, scratch_guild: int
) -> None:
    tasks = [asyncio.create_task(create(scratch_ctx, by=by)) for by in (OFFICER, SECOND)]
    told = sorted([await outcome_of(task) for task in tasks], key=len)
    assert told[0] == "Bob's PC"
    assert "made a key called `Bob's PC` already" in told[1]
    assert len(await load_actions(scratch_ctx, "addon.key_create")) == 1


async def test_two_officers_who_make_keys_at_once_do_not_pass_the_limit(
    scratch_ctx: Context, scratch_guild: int
) -> None:
    for number in range(24):
        await create(scratch_ctx, f"PC {number}")
    tasks = [asyncio.create_task(create(scratch_ctx, f"New {by}", by=by)) for by in (OFFICER, SECOND)]
    told = sorted([await outcome_of(task) for task in tasks], key=len)
    assert told[0].startswith("New")
    assert "25 keys" in told[1]
    assert len(await upload_keys.listed(scratch_ctx, SERVER)) == 25


async def test_of_two_officers_who_rotate_a_key_at_once_one_does_and_the_other_is_told(
    scratch_ctx: Context, scratch_guild: int
) -> None:
    public_id = (await create(scratch_ctx)).key.public_id
    tasks = [
        asyncio.create_task(upload_keys.rotate(scratch_ctx, SERVER, public_id, version=0, actor_id=by))
        for by in (OFFICER, SECOND)
    ]
    told = sorted([await outcome_of(task) for task in tasks], key=len)
    assert told[0] == "Bob's PC"
    assert "after you were asked" in told[1]
    [done] = await load_actions(scratch_ctx, "addon.key_rotate")
    assert f"<@{done.actor_id}>" in told[1]


async def test_a_key_made_while_muster_is_removed_ends_or_is_not_made(scratch_ctx: Context, scratch_guild: int) -> None:
    made, _ = await asyncio.gather(
        create(scratch_ctx), servers.note_absence(scratch_ctx, SERVER), return_exceptions=True
    )
    assert isinstance(made, NewKey | MusterError)
    assert await upload_keys.listed(scratch_ctx, SERVER) == []
