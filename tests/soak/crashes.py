"""A guild at work whose bot is killed at random moments, and what must hold whenever it is back."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from db.engine import create_engine
from sandbox.companion import export_of
from sandbox.discord import Exchange, Frame, Shown, buttons
from sandbox.notes import Note
from sandbox.stage import LONG, STILL_WORKING, Stage
from tests.e2e.office import ids_of
from tests.e2e.small import NAMES, small_guild
from tests.support.wholeness import FAULTS

T = TypeVar("T")

LONGEST_ACT_SECONDS = 0.5
LONGEST_START_SECONDS = 2.5
LOOK_SECONDS = 0.05
GRACE_SECONDS = 0.1
"""Until an answer that reached Discord before the kill has reached the test too."""
LEAVERS = 15
"""More than half of the guild: held for an officer."""
OFFICERS_WORD = "proven, by your word"
SHARED = ("Siggi", "Torben")
"""Names that two members bear each: a note that says one is a suggestion."""
NOTED = 8
"""So many characters get other notes at once."""
ASKED = re.compile(r"^## Whose is (.+)\?$", re.MULTILINE)
DECIDED = "✅"
MAPPED = (1, 2)
"""Ranks that have a role."""
ABANDONED_CHARACTERS = 8
LONG_AWAY_MS = 60 * 24 * 3_600_000
UNDONE_SHARE = 0.3
NO_CONTENT = 204

LEDGER = "SELECT user_id, role_id FROM guild_identity.role_ledger"
STATE = "SELECT state FROM guild_identity.audit_issues WHERE public_id = :finding"
ORPHANS = """
    SELECT count(*) FILTER (WHERE state IN ('open', 'notified')), count(*) FILTER (WHERE state = 'ignored')
    FROM guild_identity.audit_issues WHERE rule = 'orphan_wow'"""
ABANDONED = """
    SELECT source, heartbeat_at FROM common.sync_log
    WHERE status = 'running' AND owner <> (SELECT owner FROM common.instance_lease)"""
LEASED = "SELECT owner FROM common.instance_lease"
UNDELIVERED = "SELECT id FROM guild_identity.outbox WHERE state IN ('pending', 'sending')"
UNAPPLIED = """
    SELECT id FROM guild_identity.uploads
    WHERE state = 'received' OR (state = 'applied' AND followed_at IS NULL)"""
DELIVERED = "SELECT message_id FROM guild_identity.outbox WHERE state = 'delivered' AND channel_id = :channel"
MEMBERS = """
    SELECT c.name FROM common.guild_memberships AS m JOIN common.wow_characters AS c ON c.id = m.character_id
    WHERE m.left_at IS NULL"""
KEPT = """
    SELECT c.name FROM common.held_departures AS h JOIN common.wow_characters AS c ON c.id = h.character_id
    WHERE h.state = 'kept'"""
NOTES = """
    SELECT c.name, n.guild_note FROM guild_identity.character_notes AS n
    JOIN common.wow_characters AS c ON c.id = n.character_id"""
SUGGESTED = """
    SELECT c.name, jsonb_array_length(candidates) FROM guild_identity.link_suggestions
    JOIN common.wow_characters AS c ON c.id = character_id"""
REJECTED = """
    SELECT c.name, user_id FROM guild_identity.rejected_candidates
    JOIN common.wow_characters AS c ON c.id = character_id"""
LINKS = """
    SELECT c.name, m.user_id FROM guild_identity.player_characters AS p
    JOIN common.wow_characters AS c ON c.id = p.character_id
    JOIN guild_identity.player_members AS m USING (server_id, player_id) WHERE p.source = 'officer'"""


@dataclass
class Promises:
    """What users were told is done; `unsure` holds whose link it is, before or after an act that nobody heard end."""

    links: dict[str, int] = field(default_factory=dict)
    unsure: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)


class Haunted(Stage):
    """A small guild whose bot is killed; `url` gives the database's address while the bot runs."""

    def __init__(self, url: str, random: Random, *, settings: dict[str, str]) -> None:
        super().__init__(small_guild(), settings=settings, exchanges=self._note)
        for character in self.sample.characters[-ABANDONED_CHARACTERS:]:
            character.last_login -= LONG_AWAY_MS
        self._url = url
        self._random = random
        self.promises = Promises()
        self.killed_during: list[str] = []
        self._coming: list[Callable[[], Awaitable[None]]] = []
        self.given: set[tuple[int, int]] = set()
        """Each member and role that Discord has let Muster give, and not let it take."""
        self.changed_roles = 0

    async def say(self, name: str, options: dict[str, Any] | None = None) -> str:
        """Run a command as the guild master and give its whole answer; raises BotStopped."""
        return (await self.meanwhile(self.command(name, options))).text

    async def set_up(self) -> None:
        """Start, follow the guild, choose the channel and read everything."""
        await self.raise_curtain()
        guild = self.sample.guild
        where = {"region": guild.realm.region, "realm": guild.realm.slug, "guild": guild.name}
        assert guild.name in await self.say("setup guild", where)
        assert "Audit channel" in await self.say("setup channels", {"audit": self.audit_channel})
        for name in SHARED:
            for number in (1, 2):
                self.discord.world.add_member(self.server_id, f"{name.lower()}_{number}", nick=name)
        assert "on this server" in await self.say("sync members")
        assert "in the guild" in await self.say("sync roster")
        ranks = await self.meanwhile(self.begin("setup ranks"))
        for rank in MAPPED:
            role = self.discord.world.add_role(self.server_id, f"Rank {rank}")
            await self._choose(ranks, "ranks:v1:rank", str(rank))
            await self._choose(ranks, f"ranks:v1:role:{rank}", str(role))
            await self._press(ranks, "ranks:v1:open:home")
        await self._choose(ranks, "ranks:v1:truth", "game")
        self._uploader = await self.meanwhile(self.companion("The officers' PC"))

    async def haunt(self) -> None:
        """Let somebody do something, kill the bot in the middle, start it again, and check that all is well."""
        acts: list[Callable[[], Awaitable[None]]] = [
            self._sync, self._members, self._audit, self._report, self._click, self._link, self._decide, self._start,
            self._notes, self._review, self._claim, self._ignore, self._bulk, self._undo, self._roles,
        ]  # fmt: skip
        # Each once before any comes again.
        self._coming = self._coming or self._random.sample(acts, len(acts))
        act = self._coming.pop()
        self.killed_during.append(act.__name__.strip("_"))
        await act()

    async def check(self) -> None:
        """Raise AssertionError unless everything promised is there, and nothing twice or left over."""
        async with self.database() as engine:
            await self._settled(engine)
            for fault, sql in FAULTS.items():
                assert (wrong := await _rows(engine, sql)) == [], f"{fault}: {wrong}"
            told = [message_id for (message_id,) in await _rows(engine, DELIVERED, channel=self.audit_channel)]
            shown = [int(message["id"]) for message in self.discord.messages(self.audit_channel)]
            assert sorted(shown) == sorted(told), "the channel holds what was delivered, once"
            links = dict(await _rows(engine, LINKS))
            assert set(await _rows(engine, LEDGER)) == self.given, "a role of Muster's is not known as such"
        for name, either in self.promises.unsure.items():
            assert links.get(name) in either, "half an officer's word"
        known = {name: user for name, user in links.items() if name not in self.promises.unsure}
        assert known == self.promises.links, "an officer's word was lost, or came from nowhere"
        self.promises = Promises(links)

    async def read_all(self) -> None:
        """Let everything be read to the end: then the guild is stored as it is."""
        assert "on this server" in await self.say("sync members")
        assert "in the guild" in await self.say("sync roster")
        async with self.database() as engine:
            world = self.battlenet.world
            there = [character.name for character in world.members(self.sample.guild)]
            kept = [name for (name,) in await _rows(engine, KEPT)]  # an officer said that they stay
            assert sorted(name for (name,) in await _rows(engine, MEMBERS)) == sorted([*there, *kept])

    @asynccontextmanager
    async def database(self) -> AsyncIterator[AsyncEngine]:
        """Give an engine on the bot's own database."""
        engine = create_engine(self._url, poolclass=NullPool)
        yield engine
        await engine.dispose()

    async def before_restart(self) -> None:
        """Do what has to be done between the kill and the start."""

    # -------------------------------------------------------------- acts

    async def _sync(self) -> None:
        self._stir()
        await self._cut_short(self._command("sync roster"))

    async def _members(self) -> None:
        user = self._random.choice(list(self.user_ids.values()))
        self.discord.world.set_nick(self.server_id, user, f"nick {secrets.token_hex(3)}")
        await self._cut_short(self._command("sync members"))

    async def _audit(self) -> None:
        self._stir()
        await self.say("sync roster")
        await self._cut_short(self._command("audit run"))

    async def _report(self) -> None:
        await self._cut_short(self._command("audit report"))

    async def _click(self) -> None:
        with_buttons = [message for message in self.discord.messages(self.audit_channel) if buttons(message)]
        message = self._random.choice(with_buttons)
        button = self._random.choice(buttons(message))
        await self._cut_short(self.discord.click(self.owner_id, message, button["custom_id"], within=LONG))

    async def _link(self) -> None:
        name = self._random.choice([character.name for character in self.battlenet.world.members(self.sample.guild)])
        user = self._random.choice(list(self.user_ids.values()))
        add = name not in self.promises.links
        options = {"character": name} | ({"member": user} if add else {})
        self.promises.unsure[name] = (self.promises.links.pop(name, None), user if add else None)
        shown = await self._cut_short(self._command("link add" if add else "link remove", options))
        if shown is not None:
            assert (OFFICERS_WORD if add else "no longer linked") in shown.text, shown
            del self.promises.unsure[name]
            if add:
                self.promises.links[name] = user

    async def _notes(self) -> None:
        """Upload notes: all are stored, or none, all where they were acknowledged; what follows from them is whole."""
        world, guild = self.battlenet.world, self.sample.guild
        sayings = ("", "bank", "alt of Aldric", "alt of Bryndis", *(f"Discord: {name}" for name in SHARED))
        noted = self._random.sample(world.members(guild)[2:], NOTED)
        self.sample = replace(
            self.sample, notes={character: Note(self._random.choice(sayings), None) for character in noted}
        )
        async with self.database() as engine:
            before = dict(await _rows(engine, NOTES))
        acknowledged = await self._cut_short(self._uploader.send(export_of(self.sample)))
        async with self.database() as engine:
            await self._settled(engine)
            stored = dict(await _rows(engine, NOTES))
        told = before | {one.name: note.guild for one, note in self.sample.notes.items()}
        assert stored in ((told,) if acknowledged else (before, told)), "half an upload, or one that was lost"

    async def _review(self) -> None:
        """Decide about a suggestion; what was told to be done is, what was not is done or not, and nothing between."""
        card = await self._command("link review")
        asked = ASKED.search(card.text)
        if asked is None:
            return
        name, before = asked[1], card.text
        button = self._random.choice(buttons(card.message or {}))
        _, _, verb, *ids = button["custom_id"].split(":")
        async with self.database() as engine:
            candidates = dict(await _rows(engine, SUGGESTED))[name]
            refused = await _rows(engine, REJECTED)
        if verb == "pick":
            self.promises.unsure[name] = (None, int(ids[1]))

        async def decide() -> Shown:
            await self.discord.click(self.owner_id, card, button["custom_id"], within=LONG)
            return await card.finished(lambda now: now.text != before, within=LONG)

        shown = await self._cut_short(decide())
        done = shown is not None and shown.text.startswith(DECIDED)
        if verb == "pick" and done:
            self.promises.links[name] = self.promises.unsure.pop(name)[1]
        if verb == "none":
            async with self.database() as engine:
                new = set(await _rows(engine, REJECTED)) - set(refused)
            assert len(new) in ((candidates,) if done else (0, candidates)), "half a refusal"

    async def _claim(self) -> None:
        name = self._random.choice([character.name for character in self.battlenet.world.members(self.sample.guild)])
        user = self._random.choice([one for one in self.user_ids.values() if one != self.owner_id])
        await self._cut_short(
            self.discord.slash(user, self.server_id, self.lounge, "player claim", {"character": name}, within=LONG)
        )

    async def _decide(self) -> None:
        world, guild = self.battlenet.world, self.sample.guild
        leaving = world.members(guild)[-LEAVERS:]
        names = {character.name for character in leaving}
        for character in leaving:
            world.leave(character)
        await self.say("sync roster")
        apply = self._random.random() < 0.5
        shown = await self._cut_short(self._command("sync apply" if apply else "sync discard"))
        async with self.database() as engine:
            still = names & {name for (name,) in await _rows(engine, MEMBERS)}
        if shown is not None:
            assert still == (set() if apply else names), "a decision was lost"
        assert still in (set(), names), "half a decision"
        for character in leaving:
            world.join(character, guild, 2)
        await self.say("sync roster")

    async def _ignore(self) -> None:
        """Ignore a finding, or watch one again; what was told to be done is."""
        state = self._random.choice(["open", "ignored"])
        card = await self._command("audit list", {"state": state})
        if not (ids := ids_of(card, "finding:v1:show:")):
            return
        shown = await self._press(card, self._random.choice(ids))
        [button, *_] = [*ids_of(shown, "finding:v1:watch:"), *ids_of(shown, "finding:v1:ignore:")]
        if state == "open":
            act = self._send(await self.discord.click(self.owner_id, shown, button, within=LONG), shown)
        else:
            act = self._press(shown, button)
        done = await self._cut_short(act)
        async with self.database() as engine:
            [(now,)] = await _rows(engine, STATE, finding=button.rpartition(":")[2])
        if done is not None and done.text.startswith(DECIDED):
            assert (now == "ignored") is (state == "open"), "an officer's word about a finding was lost"

    async def _bulk(self) -> None:
        """Fix all findings of a type at once; what is put aside is so whole or not at all."""
        rule, label = self._random.choice([("orphan_wow", "Ignore…"), ("stale_character", "Ask Battle.net now")])
        shown = await self._command("audit list", {"type": rule})
        if not ids_of(shown, "bulk:v1:open:"):
            return
        await self._press(shown, ids_of(shown, "bulk:v1:open:")[0])
        [choice] = [one["custom_id"] for one in buttons(shown.message or {}) if one["label"] == label]
        await self._press(shown, choice)
        [confirm] = ids_of(shown, "bulk:v1:do:")
        if rule == "stale_character":
            await self._cut_short(self._press(shown, confirm))
            return
        async with self.database() as engine:
            [(standing, before)] = await _rows(engine, ORPHANS)
        form = await self.discord.click(self.owner_id, shown, confirm, within=LONG)
        await self._cut_short(self._send(form, shown))
        async with self.database() as engine:
            [(_, after)] = await _rows(engine, ORPHANS)
        assert after in (before, before + standing), "half a bulk"

    async def _undo(self) -> None:
        """Take back what was ignored, the last act first."""
        shown = await self._command("audit undo")
        if acts := ids_of(shown, "undo:v1:ask:"):
            await self._press(shown, acts[0])
            await self._cut_short(self._press(shown, ids_of(shown, "undo:v1:do:")[0]))

    async def _roles(self) -> None:
        """Let roles follow other ranks, by themselves or as an officer applies it, or take the last run back."""
        world, guild = self.battlenet.world, self.sample.guild
        if not self.promises.links:
            name, user = world.members(guild)[0].name, self.owner_id
            assert OFFICERS_WORD in await self.say("link add", {"character": name, "member": user})
            self.promises.links[name] = user
        for character in world.members(guild):
            if character.name in self.promises.links:
                world.set_rank(character, self._random.choice(MAPPED))
        home = await self._command("setup roles")
        undo = ids_of(home, "roles:v1:undo:")
        if undo and self._random.random() < UNDONE_SHARE:
            await self._press(home, undo[0])
            await self._cut_short(self._press(home, ids_of(home, "roles:v1:undone:")[0]))
            return
        await self._press(home, ids_of(home, "role-plan:v1:page:")[0])
        if on := ids_of(home, "roles:v1:switch:on"):
            await self._press(home, on[0])
        apply = ids_of(home, "roles:v1:apply:")
        await self._cut_short(self._press(home, apply[0]) if apply else self._command("sync roster"))

    async def _start(self) -> None:
        await self.bot.kill()
        await self.before_restart()
        await self.bot.start()
        await asyncio.sleep(self._random.uniform(0, LONGEST_START_SECONDS))
        await self.bot.kill()
        await self._come_back()

    # -------------------------------------------------------------- plumbing

    def _stir(self) -> None:
        """Let the guild change a little."""
        world, guild = self.battlenet.world, self.sample.guild
        for character in self._random.sample(world.characters[2:], 3):
            if character.guild is None:
                world.join(character, guild, self._random.randint(1, 5))
            elif self._random.random() < 0.5 and len(world.members(guild)) > len(NAMES) - 5:
                world.leave(character)
            else:
                world.set_rank(character, self._random.randint(1, 5))
                world.login(character)

    async def _command(self, name: str, options: dict[str, Any] | None = None) -> Shown:
        shown = await self.begin(name, options)
        return await shown.finished(lambda answer: not answer.text.endswith(STILL_WORKING), within=LONG)

    async def _press(self, shown: Shown, custom_id: str) -> Shown:
        """Press a button that changes its own message, and wait for that."""
        before = shown.text
        await self.discord.click(self.owner_id, shown, custom_id, within=LONG)
        return await shown.finished(lambda now: now.text != before, within=LONG)

    async def _choose(self, shown: Shown, custom_id: str, value: str) -> None:
        """Choose in a menu that changes its own message, and wait for that."""
        await (await self.discord.select(self.owner_id, shown, custom_id, [value], within=LONG)).finished(within=LONG)

    async def _send(self, form: Shown, shown: Shown) -> Shown:
        """Send a form that asks for a reason, and wait until the message from which it was opened says something."""
        before = shown.text
        await self.discord.submit_modal(form, {"reason": "for now"}, within=LONG)
        return await shown.finished(lambda now: now.text != before, within=LONG)

    def _note(self, crossed: Exchange | Frame) -> None:
        """Keep which roles are Muster's by what Discord has let it do."""
        if isinstance(crossed, Exchange) and crossed.status == NO_CONTENT and "/roles/" in crossed.path:
            _, _, _, _, user, _, role = crossed.path.split("/")
            change = self.given.add if crossed.method == "PUT" else self.given.discard
            change((int(user), int(role)))
            self.changed_roles += 1

    async def _cut_short(self, act: Coroutine[Any, Any, T]) -> T | None:
        """Kill the bot somewhere in an act and start it again; give the answer if there was one before the end."""
        acting = asyncio.create_task(act)
        await asyncio.sleep(self._random.uniform(0, LONGEST_ACT_SECONDS))
        await self.bot.kill()
        await asyncio.wait({acting}, timeout=GRACE_SECONDS)
        broken = acting.done() and isinstance(acting.exception(), httpx.TransportError)
        answer = acting.result() if acting.done() and not broken else None
        acting.cancel()
        await self._come_back()
        return answer

    async def _come_back(self) -> None:
        self.discord.sockets.drop()
        await self.before_restart()
        await self.raise_curtain()

    async def _settled(self, engine: AsyncEngine) -> None:
        """Wait until this process has taken over: no dead one's run is open, and everything queued is done."""
        async with asyncio.timeout(LONG):
            while True:
                leased, *undone = [await _rows(engine, sql) for sql in (LEASED, ABANDONED, UNDELIVERED, UNAPPLIED)]
                if leased and not any(undone):
                    return
                await asyncio.sleep(LOOK_SECONDS)


async def _rows(engine: AsyncEngine, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(sa.text(sql), values)]
