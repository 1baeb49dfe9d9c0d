"""An officer of the planted guild: how its problems come about, and what is done about them in Discord."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from simcord.components import walk_components
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from db.engine import create_engine
from db.tables.guilds import Character as StoredCharacter
from db.tables.guilds import Guild as StoredGuild
from db.tables.people import Player, PlayerCharacter
from db.tables.servers import Server, ServerGuild
from domain.audit_rules import RULES
from sandbox.discord import Shown, plain_text
from sandbox.stage import LONG, STILL_WORKING
from tests.e2e.conftest import Home
from tests.e2e.planted import MAPPED, ROLE_OF_RANK, Planted, newer_game

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PROFILES_READ = "**Profiles** · ✅"
DONE = "✅"
COUNTED = re.compile(r"^(\S+ .+): \*\*([\d,]+)\*\*$", re.MULTILINE)
BULK_DONE = re.compile(r"([\d,]+) of ([\d,]+) done|([\d,]+) findings? resolved")
LOOK_EVERY = 0.1


class Office(Home):
    """The stage on which an officer cleans up a planted guild; `url` gives the database's address while a bot runs."""

    def __init__(self, planted: Planted, url: str, settings: dict[str, str]) -> None:
        super().__init__(planted.sample, settings=settings)
        self.planted = planted
        self._url = url

    # -------------------------------------------------------------- how problems come about

    async def open_house(self) -> None:
        """Follow the guild, read everything, and map those ranks that have their role from the start."""
        guild = self.sample.guild
        await self.raise_curtain()
        where = {"region": guild.realm.region, "realm": guild.realm.slug, "guild": guild.name}
        assert guild.name in await self.say("setup guild", where)
        assert "on this server" in await self.say("sync members")
        with newer_game():
            assert "in the guild" in await self.say("sync roster")
            await self.meanwhile(self.upload_notes())
            ranks = await self.meanwhile(self.begin("setup ranks"))
            for rank in MAPPED:
                await self.map_rank(ranks, rank)
            await self.choose(ranks, "ranks:v1:truth", "game", sees="Rank")
            await self.meanwhile(self.command("sync status", until=PROFILES_READ))

    async def plant(self) -> None:
        """Let the problems come about: most by what happens in game and Discord and by officers' own commands."""
        planted, world = self.planted, self.sample.world
        for person in (*planted.wrong_role, *planted.no_role, *(owner for _, owner in planted.claims)):
            assert "proven" in await self.say("link confirm", {"member": self.user_of(person)})
        for character in planted.confirmed:
            assert "proven" in await self.say("link confirm", {"character": character.name})
        for claimer, owner in planted.claims:
            claim = {"character": owner.main.name}
            asked = self.discord.slash(self.user_of(claimer), self.server_id, self.lounge, "player claim", claim)
            await (await self.meanwhile(asked)).finished(within=LONG)
        claims = await self.meanwhile(self.command("player claims"))
        for custom_id in ids_of(claims, "claim:v1:confirm:"):
            await self.press(claims, custom_id=custom_id)
        async with self.database() as connection:
            for person in planted.mainless:
                await self.call_main(connection, person.characters[1].name)
        for person in planted.mainless:
            world.leave(person.characters[1])
        self.sample = replace(self.sample, notes=planted.notes_then)
        await self.meanwhile(self.upload_notes())
        assert "in the guild" in await self.say("sync roster")
        for person in planted.leaving:
            self.discord.world.leave(self.server_id, self.user_of(person))
        for character in planted.absent:
            world.leave(character)
        assert f"**{len(planted.absent)} departures" in await self.say("sync roster")

    async def let_data_grow_old(self) -> None:
        """Let nothing have been read since long ago: no test waits for days."""
        async with self.database() as connection:
            await connection.execute(sa.update(StoredGuild).values(roster_synced_at=LONG_AGO))
            await connection.execute(sa.update(ServerGuild).values(followed_at=LONG_AGO))
            await connection.execute(sa.update(Server).values(members_synced_at=LONG_AGO))

    @staticmethod
    async def call_main(connection: AsyncConnection, name: str) -> None:
        """Let a character be its player's main: nobody can say so by a command yet."""
        own = sa.select(PlayerCharacter.player_id, PlayerCharacter.character_id).join(
            StoredCharacter, StoredCharacter.id == PlayerCharacter.character_id
        )
        player_id, character_id = (await connection.execute(own.where(StoredCharacter.name == name))).one()
        await connection.execute(sa.update(Player).where(Player.id == player_id).values(main_character_id=character_id))

    def user_of(self, person: Any) -> int:
        return self.user_ids[person.member.id]

    async def map_rank(self, ranks: Shown, rank: int) -> None:
        """Let a rank's role be the one of its name, on a card of ranks."""
        await self.choose(ranks, "ranks:v1:rank", str(rank), sees="Role: no role")
        await self.choose(ranks, f"ranks:v1:role:{rank}", str(self.roles[ROLE_OF_RANK[rank]]), sees="Role: <@&")
        await self.press(ranks, custom_id="ranks:v1:open:home")

    # -------------------------------------------------------------- what an officer sees

    async def counted(self) -> dict[str, int]:
        """Give how many findings of each rule the first report in the audit channel counts."""
        titles = {f"{rule.symbol} {rule.title}": name for name, rule in RULES.items()}
        found = COUNTED.findall(await self.posted("at the first look"))
        return {titles[title]: int(number.replace(",", "")) for title, number in found}

    async def standing(self) -> Counter[str]:
        """Give how many findings of each rule are not settled, ignored ones included, as the database has them."""
        open_ = "SELECT rule, count(*) FROM guild_identity.audit_issues WHERE state <> 'resolved' GROUP BY rule"
        return Counter(dict(await self.rows(open_)))

    async def gone(self, rule: str, *, but: int = 0) -> None:
        """Wait until no more than so many findings of a rule stand."""
        await self.until_none(f"""
            SELECT id FROM guild_identity.audit_issues WHERE state <> 'resolved' AND rule = '{rule}'
            OFFSET {but}""")  # noqa: S608 (words of ours)

    async def until_none(self, sql: str) -> None:
        """Wait until a query gives no row."""
        async with asyncio.timeout(LONG):
            while await self.rows(sql):  # noqa: ASYNC110 (another process changes it)
                await asyncio.sleep(LOOK_EVERY)

    async def posted(self, sign: str) -> str:
        """Wait for a message in the audit channel that holds a sign, and give it as text."""

        def fits(message: dict[str, Any]) -> bool:
            return sign in "\n".join(plain_text(message))

        return "\n".join(plain_text(await self.discord.wait_for_message(self.audit_channel, fits, within=LONG)))

    async def card(self, rule: str, name: str | None = None) -> Shown:
        """Open the card of a finding from the list of its type: of the first one, or of the one about a name."""
        listed = await self.meanwhile(self.command("audit list", {"type": rule}))
        if name is None:
            await self.press(listed, "Work through")
            return listed
        title = RULES[rule].title
        offered = await self.meanwhile(
            self.discord.autocomplete(
                self.owner_id, self.server_id, self.lounge, "audit show", option="finding", text=name, within=LONG
            )
        )
        [public_id] = [one["value"] for one in offered if title in one["name"] and name in one["name"]]
        return await self.meanwhile(self.command("audit show", {"finding": public_id}))

    # -------------------------------------------------------------- what an officer does

    async def press(self, shown: Shown, label: str | None = None, *, custom_id: str | None = None) -> str:
        """Press a button that changes its own message; give what the message says once nothing is under way."""
        before = shown.text
        await self.meanwhile(self.discord.click(self.owner_id, shown, custom_id, label=label, within=LONG))
        return await self.changed(shown, before)

    async def choose(self, shown: Shown, custom_id: str, value: str, *, sees: str) -> str:
        """Choose in a menu that changes its own message; give what the message says once it shows what it must."""
        await self.meanwhile(self.discord.select(self.owner_id, shown, custom_id, [value], within=LONG))
        await self.meanwhile(shown.finished(lambda now: sees in now.text, within=LONG))
        return shown.text

    async def form(self, shown: Shown, label: str | None = None, *, custom_id: str | None = None) -> Shown:
        """Press a button that opens a form."""
        return await self.meanwhile(self.discord.click(self.owner_id, shown, custom_id, label=label, within=LONG))

    async def send(self, form: Shown, values: Mapping[str, Any], shown: Shown) -> str:
        """Send a form that was opened from a message; give what that says then."""
        before = shown.text
        await self.meanwhile(self.discord.submit_modal(form, values, within=LONG))
        return await self.changed(shown, before)

    async def changed(self, shown: Shown, before: str) -> str:
        """Wait until a message says something else than before, and nothing is under way; give that."""

        def is_over(now: Shown) -> bool:
            return now.text != before and not now.text.endswith(STILL_WORKING)

        await self.meanwhile(shown.finished(is_over, within=LONG))
        return shown.text

    async def mend(self, rule: str, label: str, *then: str, name: str | None = None) -> str:
        """Open a finding's card and press its fix's button, and what that asks for; it must say that it is done."""
        shown = await self.card(rule, name)
        for one in (label, *then):
            text = await self.press(shown, one)
        assert text.startswith(DONE), text
        return text

    async def mend_with(self, rule: str, label: str, values: Mapping[str, Any], *, name: str | None = None) -> str:
        """Open a finding's card and fill in the form of its fix; it must say that it is done."""
        shown = await self.card(rule, name)
        text = await self.send(await self.form(shown, label), values, shown)
        assert text.startswith(DONE), text
        return text

    async def pick_first(self, rule: str, *, name: str | None = None) -> str:
        """Give a finding's character to the first of those for whom something speaks."""
        shown = await self.card(rule, name)
        await self.press(shown, "Choose…")
        text = await self.press(shown, custom_id=ids_of(shown, "finding:v1:pick:")[0])
        assert text.startswith(DONE), text
        return text

    async def preview_all(self, rule: str, label: str) -> tuple[Shown, str]:
        """Open what would be done to all findings of a type; give it with the button that confirms it."""
        shown = await self.meanwhile(self.command("audit list", {"type": rule}))
        await self.press(shown, "Fix all…")
        await self.press(shown, label)
        [confirm] = ids_of(shown, "bulk:v1:do:")
        return shown, confirm

    async def mend_all(self, rule: str, label: str, *, reason: str | None = None) -> int:
        """Fix all findings of a type at once, as far as one confirmation goes; give how many were mended."""
        shown, confirm = await self.preview_all(rule, label)
        if reason is None:
            text = await self.press(shown, custom_id=confirm)
        else:
            text = await self.send(await self.form(shown, custom_id=confirm), {"reason": reason}, shown)
        found = BULK_DONE.search(text)
        assert found, text
        done, of, aside = (int((group or "0").replace(",", "")) for group in found.groups())
        assert done == of, text
        return done + aside

    # -------------------------------------------------------------- crashes

    async def cut_short(self, act: Coroutine[Any, Any, Any], *, when: Callable[[], Any]) -> None:
        """Begin an act, end the bot without a word as soon as something is seen, and start it again."""
        acting = asyncio.create_task(act)
        await self.discord.until(when, "the moment of the crash", LONG)
        await self.bot.kill()
        acting.cancel()
        await asyncio.wait({acting})
        self.discord.sockets.drop()
        await self.raise_curtain()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection to the bot's own database, in a transaction."""
        engine = create_engine(self._url, poolclass=NullPool)
        async with engine.begin() as connection:
            yield connection
        await engine.dispose()

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        async with self.database() as connection:
            return [tuple(row) for row in await connection.execute(sa.text(sql))]


def ids_of(shown: Shown, beginning: str) -> list[str]:
    """Give the custom ids of a message's controls that begin so."""
    controls = walk_components((shown.message or {})["components"])
    return [one["custom_id"] for one in controls if one.get("custom_id", "").startswith(beginning)]


def options_of(shown: Shown, custom_id: str) -> list[str]:
    """Give what a menu offers."""
    controls = walk_components((shown.message or {})["components"])
    [menu] = [one for one in controls if one.get("custom_id") == custom_id]
    return [one["value"] for one in menu["options"]]
