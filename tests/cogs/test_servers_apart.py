"""Nothing of one server is seen on another, whatever an officer there runs, types, presses and fills in.

Both follow one guild. The commands, their options, the controls, the forms and the tables are read from what is loaded,
so that a new one is searched too, or fails here.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
import simcord
import sqlalchemy as sa

from bot.services import aliases, claims, links, options, pipeline, upload_keys, uploads
from cogs.addon import keys, status
from cogs.common import role_watch
from cogs.common.errors import unwrap
from cogs.link import alias_ui
from cogs.members.cog import QUIET_SECONDS
from cogs.setup import roles_texts
from db.tables.guilds import Character
from db.tables.identity import CharacterNote
from domain.errors import MusterError
from domain.links import LinkMode
from domain.runs import Trigger
from sandbox.world import Character as Toon
from tests.cogs import ranked, troubles
from tests.cogs.audit.acting import standing
from tests.cogs.home import Home
from tests.support import plants
from tests.support.crawl import Crawl
from tests.support.tree import Filler, Leaf, control_templates, form_templates, leaves
from tests.support.uploads import body, export, row

TYPED = ("", "a", plants.MARK, "server")
"""What is typed where choices are offered; among it what only the other server's secrets begin with."""
NEVER_PRESSED: dict[str, str] = {}
"""Controls and forms that this search cannot reach, each with the reason."""
FIRST = ("link match", "link review", "sync status")
"""Commands that show what others decide about."""
GONE = 45
"""Characters that go missing from the roster at once."""
TWINS = 3
"""Suggestions at home: one to pick, one to refuse, one to put off."""


@pytest.fixture
def gone(home: Home) -> list[Toon]:
    """Give the characters that go missing from the roster."""
    return home.sample.world.members(home.sample.guild)[-GONE:]


@pytest.fixture
async def elsewhere(home: Home, gone: list[Toon]) -> AsyncIterator[simcord.GuildHandle]:
    """Let a second server follow the guild: with an audit channel, and a member who is a member at home too."""
    other = home.env.create_guild("Elsewhere", owner=home.env.create_user("stranger"))
    channel = other.create_text_channel("their-officers")
    await home.env.settle()
    other.add_member(home.plain.user, nick="Mia elsewhere")
    await home.env.advance_time(QUIET_SECONDS)
    guild = await home.follow_on(other)
    for number in range(26):
        # More than a menu holds; every other one needs a word more before it stands for a rank.
        home.server.create_role(f"Role {number}", permissions=discord.Permissions(administrator=number % 2 == 0))
    ctx = home.services.ctx
    await home.report_to(home.audit)
    await options.change(ctx, home.server.id, {"link_mode": LinkMode.SUGGEST.value}, actor_id=home.officer.id)
    await double_names(home)
    await home.sync_roster()
    await home.sync_members()
    await doubt_names(home)
    async with ctx.sessions.begin() as session:
        ids = (await session.scalars(sa.select(Character.id).order_by(Character.id).limit(2))).all()
        await session.execute(
            sa.text("UPDATE guild_identity.servers SET audit_channel_id = :channel WHERE id = :id"),
            {"channel": channel.id, "id": other.id},
        )
    await plants.people(ctx, other.id, guild.id, user_id=home.plain.id, character_ids=(ids[0], ids[1]))
    # One claim can be confirmed, and one only refused: its character is somebody else's.
    owned, free = (f"{one.name}-{one.realm.slug}" for one in home.sample.world.members(home.sample.guild)[1:3])
    owned_id = await links.resolve_character(ctx, home.server.id, owned)
    await links.add(ctx, home.server.id, character_id=owned_id, user_id=home.deputy.id, actor_id=home.officer.id)
    for claimed in (owned, free):
        await claims.ask(ctx, home.server.id, character=claimed, user_id=home.plain.id)
    await fill_pages(home)
    await upload(home)
    # Both are told that many departures wait.
    for character in gone:
        home.sample.world.leave(character)
    await pipeline.sync_roster(ctx, home.services.battlenet, guild.id, trigger=Trigger.TIMER)
    await home.deliver()
    yield other
    assert all(isinstance(unwrap(error), MusterError) for error in home.env.errors), home.env.errors


async def double_names(home: Home) -> None:
    """Let characters of home have two members each who bear their names: only a person can say whose they are."""
    free = [one for one in home.sample.world.members(home.sample.guild)[3:] if one.name not in home.namesakes]
    for character in free[:TWINS]:
        for number in range(2):
            user = home.env.create_user(f"{number}_{character.name}".lower())
            home.server.add_member(user, nick=character.name)
    await home.env.advance_time(QUIET_SECONDS)


async def doubt_names(home: Home) -> None:
    """Let notes speak against all namesakes but one: a plan holds sure links and less sure ones."""
    ctx = home.services.ctx
    for name in list(home.namesakes)[1:]:
        character_id = await links.resolve_character(ctx, home.server.id, name)
        async with ctx.sessions.begin() as session:
            session.add(
                CharacterNote(
                    server_id=home.server.id,
                    character_id=character_id,
                    guild_note=f"discord: {home.plain.user.name}",
                    guild_note_at=ctx.clock(),
                )
            )


async def fill_pages(home: Home) -> None:
    """Let home have more aliases, and a character more past links, than a page shows."""
    ctx, server_id = home.services.ctx, home.server.id
    for number in range(alias_ui.PER_PAGE + 1):
        name = f"Mike{number}"
        await aliases.set_alias(ctx, server_id, name=name, user_id=home.plain.id, actor_id=home.officer.id)
    character_id = await links.resolve_character(ctx, server_id, character_of(home))
    for _ in range(40):
        await links.add(ctx, server_id, character_id=character_id, user_id=home.plain.id, actor_id=home.officer.id)
        await links.remove(ctx, server_id, character_id=character_id, actor_id=home.officer.id)


async def upload(home: Home) -> None:
    """Let home have more upload keys, and an upload more rows that fit nobody, than a page shows."""
    ctx, server_id, guild = home.services.ctx, home.server.id, home.sample.guild
    texts = []
    for number in range(keys.PER_PAGE + 1):
        made = await upload_keys.create(ctx, server_id, name=f"PC {number}", actor_id=home.officer.id)
        texts.append(made.text)
    uploader = await upload_keys.check(ctx, texts[0])
    assert uploader is not None
    named = {"name": guild.name, "realm": guild.realm.name, "region": guild.realm.region}
    rows = [row(f"Nobody{number}") for number in range(status.PER_PAGE + 1)]
    await uploads.receive(ctx, uploader, body(export(*rows, at=ctx.clock(), guild=named)))
    await uploads.process(ctx, server_id)


def character_of(home: Home) -> str:
    """Give the character that is typed, as Name-Realm."""
    character = home.sample.world.members(home.sample.guild)[0]
    return f"{character.name}-{character.realm.slug}"


def filler_of(home: Home) -> Filler:
    """Fill in what fits the sample guild; the user is the one who is a member of both servers."""
    guild = home.sample.guild
    texts = {
        "region": guild.realm.region,
        "realm": guild.realm.slug,
        "guild": guild.name,
        "replace": guild.name,
        "character": character_of(home),
        "time_zone": "Europe/Berlin",
        "rank": "1",
        "audit list rank": 1,
        "reason": "a reason",
        "until": "30d",
        "since": "7d",
        "finding": home.plain.user.name,
        "link alias name": "Mike",
    }
    return Filler(user=home.plain, role=home.server.create_role("Any"), channel=home.audit, texts=texts)


def sent(home: Home, since: int, but: set[int]) -> list[tuple[str, str]]:
    """Give what the bot sent to Discord, as (where, what), but to these channels."""
    return [
        (path, json.dumps(body, ensure_ascii=False))
        for kind, path, body in home.env.backend.transcript[since:]
        if kind == "HTTP" and body is not None and not any(f"/channels/{channel}/" in path for channel in but)
    ]


async def call(crawl: Crawl, channel: simcord.ChannelHandle, leaf: Leaf, options: dict[str, Any]) -> None:
    """Run a command and use what it offers; again while that was something new, since a card can turn into another."""
    presses = -1
    while presses != crawl.presses:
        presses = crawl.presses
        await crawl.take(await crawl.actor.slash(channel, leaf.name, **options))
        await crawl.run()


async def use_everything(home: Home, gone: list[Toon]) -> Crawl:
    """Let home's owner run every command, take every offer, press every control and fill in every form.

    With the characters that are gone by then, troubles are made whose fixes no command leads to.
    """
    owner = home.server.add_member(home.env.create_user("tess"), roles=[_administrators(home)])
    await home.env.advance_time(QUIET_SECONDS)
    crawl = Crawl(owner, filler_of(home))
    for leaf in sorted(leaves(home.bot), key=lambda leaf: leaf.name not in FIRST):
        for option in leaf.completed:
            for typed in TYPED:
                filled = {name: value for name, value in crawl.filler.required(leaf).items() if name != option}
                await owner.autocomplete(home.general, leaf.name, option, typed, **filled)
        for given in crawl.filler.calls(leaf):
            await call(crawl, home.general, leaf, given)
    await home.deliver()
    crawl.found(*home.audit.history())
    await crawl.run()
    await use_fixes(home, crawl, gone)
    await use_roles(home, crawl)
    return crawl


async def use_fixes(home: Home, crawl: Crawl, gone: list[Toon]) -> None:
    """Make trouble of each kind, and use what the card of each finding offers."""
    characters = await troubles.welcome(home, gone)
    for rule in troubles.TROUBLES:
        await troubles.make(home, characters, rule)
        found = await standing(home, rule)
        assert found, rule
        for finding in found.values():
            await crawl.take(await crawl.actor.slash(home.general, "audit show", finding=finding.public_id))
            await crawl.run()


async def use_roles(home: Home, crawl: Crawl) -> None:
    """Switch role sync on, apply it, take that back, and set the role of one finding."""
    await troubles.map_ranks(home)
    shown = await crawl.actor.slash(home.general, "setup roles")
    # The crawl has pressed this one before, when there was nothing to switch on.
    await crawl.take(await crawl.actor.click(shown.response, label=roles_texts.PREVIEW_BUTTON))
    await crawl.run()
    [leaf] = [one for one in leaves(home.bot) if one.name == "setup roles"]
    await call(crawl, home.general, leaf, {})
    await pipeline.follow_up(home.services.ctx, home.server.id)
    finding = next(iter((await standing(home, "no_guild_role")).values()))
    await ranked.switch(home, on=True)
    await crawl.take(await crawl.actor.slash(home.general, "audit show", finding=finding.public_id))
    await crawl.run()


def _administrators(home: Home) -> simcord.RoleHandle:
    return home.server.create_role("Administrators", permissions=discord.Permissions(administrator=True))


async def test_no_answer_choice_control_form_or_post_tells_anything_of_another_server(
    home: Home, elsewhere: simcord.GuildHandle, gone: list[Toon], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_watch, "LOOK_EVERY", 0.05)
    async with home.services.ctx.sessions.begin() as session:
        planted = await plants.plant(session, elsewhere.id)
    assert {"servers.name", "discord_users.nick", "action_log.before", "outbox.reason"} <= set(planted)
    since = len(home.env.backend.transcript)
    crawl = await use_everything(home, gone)

    theirs = {channel.id for channel in home.bot.get_guild(elsewhere.id).channels}  # type: ignore[union-attr]
    told = sent(home, since, theirs)
    assert len(told) > 100
    leaks = [(where, what) for where, what in told if plants.MARK in what and not _is_echo(what)]
    assert leaks == []
    unreached = (control_templates() | form_templates()) - set(crawl.reached) - set(NEVER_PRESSED)
    assert unreached == set(), "let the search reach them, or say in NEVER_PRESSED why it cannot"


def _is_echo(what: str) -> bool:
    """Tell whether a text only repeats what was typed."""
    return f"{plants.MARK}." not in what


async def test_the_search_finds_a_secret_of_the_very_server(home: Home, elsewhere: simcord.GuildHandle) -> None:
    """Planted at home, the same secrets are seen in many places: the search is not blind."""
    guild = await home.follow()
    async with home.services.ctx.sessions() as session:
        ids = (await session.scalars(sa.select(Character.id).order_by(Character.id.desc()).limit(2))).all()
    await plants.people(
        home.services.ctx, home.server.id, guild.id, user_id=home.plain.id, character_ids=(ids[0], ids[1])
    )
    async with home.services.ctx.sessions.begin() as session:
        await plants.plant(session, home.server.id)
    since = len(home.env.backend.transcript)
    for name, given in (("whois", {"member": home.plain}), ("setup check", {})):
        await home.officer.slash(home.general, name, **given)
    told = sent(home, since, set())
    for place in ("discord", "outbox.reason"):
        assert [what for _, what in told if f"{plants.MARK}.{place}" in what], place
