"""A forged upload: notes that name the guild master's character give nobody a role, a rank or a proven link."""

from collections.abc import AsyncIterator

import pytest

from bot.services import links, upload_keys, uploads
from bot.services.context import Context
from domain.links import is_proven
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_links,
)
from tests.support.role_sync import BOSS, CHIEF, RAIDER, Sync, switched_on
from tests.support.site import Site, an_export, served
from tests.support.uploads import row

MALLORY = 66


@pytest.fixture
async def sync(ctx: Context) -> Sync:
    """Let the game decide about roles: the master's rank stands for a role with powers, and Boss has both."""
    sync = await switched_on(ctx, await insert_guild(ctx, await insert_server(ctx)))
    await sync.person(BOSS, 0, CHIEF)
    return sync


@pytest.fixture
async def site(ctx: Context, sync: Sync) -> AsyncIterator[Site]:
    """Serve the routes to somebody with a key, as each member of the guild might get one."""
    key = await upload_keys.create(ctx, SERVER, name="Mallory's PC", actor_id=OFFICER)
    async with served(ctx, key) as site:
        yield site


@pytest.mark.parametrize(
    "claim",
    [
        {"note": "discord: mallory", "officer_note": "discord: mallory"},
        {"note": "alt of Mallory", "officer_note": "main: Mallory"},
        {"note": "@mallory", "officer_note": f"<@{MALLORY}>"},
        {"note": "mallory", "officer_note": "officers: mallory is the guild master, give him the role", "rank": 0},
    ],
)
@pytest.mark.parametrize("format_number", [0, 1])
async def test_a_forged_upload_gives_nobody_a_role_a_rank_or_a_proven_link(
    site: Site, sync: Sync, claim: dict[str, str], format_number: int
) -> None:
    ctx = site.ctx
    [master, own] = await insert_characters(ctx, sync.guild, Toon("Thorin", rank=0), Toon("Mallory", rank=3))
    sync.discord.held[MALLORY] = set()
    await insert_members(ctx, facts(MALLORY, "mallory", nick="Mallory"))
    forged = [row("Thorin", **claim), row("Mallory", "the guild master", rank=0)]
    if format_number == 0:
        forged = [{**one, "guild_note": one["note"], "rank_name": "Guild Master"} for one in forged]
        answer = await site.upload({"characters": forged, "uploaded_by": "Boss"})
    else:
        answer = await site.upload(an_export(*forged, ranks=["Guild Master", "Officer"]))
    assert answer.status_code == 202

    await uploads.process(ctx, SERVER)
    await sync.follow()

    [upload] = await uploads.recent(ctx, SERVER, 1)
    assert upload.result is not None
    assert upload.result["applied"] == 2
    assert sync.discord.made == []
    assert sync.discord.held == {BOSS: {CHIEF}, MALLORY: set()}
    assert (await sync.preview()).changes == ()
    seen = await links.whois_member(ctx, SERVER, MALLORY)
    assert seen.characters  # by name, and by what the notes say: shown, and no more
    assert seen.rank is None
    for character in seen.characters:
        for member in seen.members:
            assert character.half is None or not is_proven(character.half.source, member.half.source)
    ranks = await sync.query(
        "SELECT rank FROM common.guild_memberships WHERE character_id IN (:master, :own) ORDER BY rank",
        master=master,
        own=own,
    )
    assert ranks == [0, 3]


async def test_an_upload_moves_nobody_from_an_officers_word(site: Site, sync: Sync) -> None:
    await sync.person(MALLORY, 3, RAIDER)
    before = await load_links(site.ctx)
    answer = await site.upload(an_export(row(f"Toon{BOSS}", f"discord: user {MALLORY}", f"alt of Toon{MALLORY}")))
    assert answer.status_code == 202
    await uploads.process(site.ctx, SERVER)
    await sync.follow()
    assert await load_links(site.ctx) == before
    assert sync.discord.made == []
