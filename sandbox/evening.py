"""A guild's first evening with Muster, played against the shipped bot and shown as Discord would show it."""

import asyncio
import re
import signal
from collections import Counter
from collections.abc import Container, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from sandbox.acting import Acting, NotSeen, number_in, says
from sandbox.companion import Applied, Companion, UploadError, export_of, key_in
from sandbox.discord import SetupError, Shown, buttons, plain_text, sections
from sandbox.names import without_accents
from sandbox.rosterfile import world_from_roster
from sandbox.sample import Sample, sample_guild
from sandbox.screen import Screen
from sandbox.stage import LONG, BotStopped, Stage
from sandbox.world import Character

OK, NOT_SEEN, BAD_ROSTER, INTERRUPTED = 0, 1, 2, 130
SEED = 1
NAMELESS = 2
LOG_SHOWN = 20
PROFILES_READ = "**Profiles** · ✅"
FOLLOWED = "`/sync roster` reads its roster"
WHOSE = re.compile(r"^## Whose is (.+)\?$", re.MULTILINE)
NAMED = re.compile(r"^\*\*(.+?)\*\*")
ORPHANS = "audit:v1:page:orphan_wow:"
UNLINKED = ("Characters without a Discord member", "Links for an officer to decide")
NEXT_PAGE, NEXT_FINDING, IGNORE = "Next", "Next ▸", "Ignore…"
LINKED, REFUSED, PUT_OFF = "is linked", "is not", "comes back"
PC = "The guild master's PC"
REVIEWED = 40
"""Suggestions looked at for one of each kind."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def play(*, once: bool = False, roster: Path | None = None) -> int:
    """Play the evening; without `once` stay up until Ctrl-C. Give the exit code: 0 when every step was seen."""
    screen = Screen()
    try:
        sample = sample_guild(SEED) if roster is None else world_from_roster(roster, SEED)
        if len(nameless(sample)) < NAMELESS:
            raise ValueError(f"{roster} is too small a guild: everybody in it has a member of the same name")
    except ValueError as error:
        screen.complain(f"muster: {error}")
        return BAD_ROSTER
    try:
        return asyncio.run(_play(screen, sample, once=once))
    except asyncio.CancelledError:
        screen.complain("stopped before the end")
        return INTERRUPTED


async def _play(screen: Screen, sample: Sample, *, once: bool) -> int:
    _cancel_on_signals()
    async with Stage(sample) as stage:
        return await perform(screen, stage, once=once)


async def perform(screen: Screen, stage: Stage, *, once: bool) -> int:
    """Play the evening on a stage and end the bot; give the exit code."""
    evening = Evening(stage, screen)
    try:
        summary = await evening.play()
        if not once:
            screen.line(f"{summary}\n\nMuster stays up: http://127.0.0.1:{stage.web_port}/healthz; Ctrl-C ends it.")
            await _until_cancelled(stage)
        evening.step = "the end"
        if (code := await stage.bot.stop()) != 0:
            raise NotSeen(f"a clean end of the bot, which ended with code {code}")
    except (NotSeen, BotStopped, SetupError, UploadError, TimeoutError, httpx.HTTPError) as error:
        log = list(stage.bot.log)[-LOG_SHOWN:]
        screen.complain(f"not seen: {evening.step}: {error or type(error).__name__}", log)
        return NOT_SEEN
    if once:
        screen.line(summary)
    return OK


def _cancel_on_signals() -> None:
    """Let the first signal unwind the whole evening; further ones do not disturb that."""
    task = asyncio.current_task()
    assert task is not None
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, lambda: task.cancelling() or task.cancel())


async def _until_cancelled(stage: Stage) -> None:
    try:
        await stage.meanwhile(asyncio.Event().wait())
    except asyncio.CancelledError:
        return


class Evening(Acting):
    """The steps, each an act of the guild master and what must be seen after it."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        super().__init__(stage, screen)
        self._newcomer, self._alt = strangers(self.sample)
        self._proven = self._alt
        """Whose an officer has said at last."""

    async def play(self) -> str:
        """Start the bot, play all steps and give the summary's lines; raises BotStopped as soon as the bot ends."""
        self.screen.say(f"{self.sample.guild.name}: Battle.net and Discord are stand-ins, the bot is the shipped one.")
        await self.stage.raise_curtain()
        return await self.stage.meanwhile(self._steps())

    async def _steps(self) -> str:
        await self._set_up()
        characters = await self._sync()
        await self._see_the_report()
        await self._two_join()
        await self._officers_word()
        uploaded = await self._upload()
        from_notes = await self._look_at_the_links()
        reviewed = await self._review()
        await self._who_is_who(noted=from_notes > 0)
        mended, ignored = await self._act_on_findings()
        findings, unlinked = await self._final_report()
        await self._ranks()
        await self._roles()
        await self._health()
        links = characters - unlinked - ignored
        linked = f"linked {links} ({from_notes} by their notes, {reviewed} reviewed)"
        return (
            f"uploaded {uploaded.rows} rows ({uploaded.news} with news, {uploaded.unmatched} unmatched)\n"
            f"synced {characters} characters, {linked}, findings {findings} ({mended} mended, {ignored} ignored)"
        )

    async def _set_up(self) -> None:
        guild = self.sample.guild
        realm = guild.realm.name
        region = {"region": guild.realm.region}
        self.step = "the realms that /setup guild offers"
        choices = await self.stage.discord.autocomplete(
            *self._here, "setup guild", option="realm", text=realm[:4].lower(), options=region
        )
        slug = next((one["value"] for one in choices if one["value"] == guild.realm.slug), None)
        if slug is None:
            raise NotSeen(f"the realm {realm} among {[one['name'] for one in choices]}")
        await self._command("setup guild", {**region, "realm": slug, "guild": guild.name}, sees=FOLLOWED)
        await self._command("setup channels", {"audit": self.stage.audit_channel}, sees="Audit channel")

    async def _sync(self) -> int:
        await self._command("sync members", {}, sees="on this server")
        shown = await self._command("sync roster", {}, sees="in the guild")
        await self._command("sync status", {}, sees="success")
        await self._command("setup check", {}, sees="Everything that Muster needs is there")
        return number_in(r"\*\*([\d,]+) characters?\*\* in the guild", shown)

    async def _see_the_report(self) -> None:
        report = await self._posted("Audit report")
        for button in buttons(report):
            self.step = f"a click on {button['label']!r}"
            shown = await self.stage.discord.click(self.stage.owner_id, report, button["custom_id"])
            await shown.finished(within=LONG)
            if not shown.lines:
                raise NotSeen("an answer")
            self._show(f"{self._me} clicks [ {button['label']} ]", shown.lines)

    async def _two_join(self) -> None:
        name = self._newcomer.name
        self.screen.say(f"Two people join: {name}, named like a character, and an old friend, named like none.")
        world = self.stage.discord.world
        self._joined, self._friend = world.add_user("newcomer_of_tonight"), world.add_user("old_friend")
        world.join(self.stage.server_id, self._joined, nick=name)
        world.join(self.stage.server_id, self._friend, nick="an old friend")
        await self._command("whois", {"member": self._joined}, sees=f"**{name}**", again=True)

    async def _officers_word(self) -> None:
        self.step = "the characters that /link add offers"
        name = self._alt.name
        choices = await self.stage.discord.autocomplete(*self._here, "link add", option="character", text=name)
        chosen = next((one["value"] for one in choices if one["name"].startswith(f"{name}-")), None)
        if chosen is None:
            raise NotSeen(f"{name} among {[one['name'] for one in choices]}")
        await self._command("link add", {"character": chosen, "member": self._friend}, sees="proven")
        await self._command("whois", {"member": self._friend}, sees="an officer's word")
        await self._command("link remove", {"character": chosen}, sees="no longer linked")

    async def _upload(self) -> Applied:
        """Make a key and let its companion upload the notes while rules only suggest; give what they brought."""
        self.screen.say("The guild's notes are uploaded; the guild master wants to see what they would link first.")
        await self._command("setup options", {"link_mode": "suggest"}, sees="Muster only suggests")
        self.step = "the key that /addon key makes"
        shown = await self.stage.make_key(PC)
        self._show(f"{self._me} runs /addon key, clicks [ Create… ] and types {PC!r}", shown.lines)
        self.step = "an upload that is applied"
        companion = Companion(self.stage.web_address, key_in(shown.text))
        uploaded = await companion.deliver(export_of(self.sample))
        told = f"{uploaded.rows} rows, {uploaded.news} with news, {uploaded.unmatched} unmatched"
        self.screen.say(f"The companion uploads the export: applied, {told}.")
        if uploaded.news == 0:
            raise NotSeen("notes that are news")
        await self._command("addon status", {}, sees=f"{uploaded.news:,} character")
        return uploaded

    async def _look_at_the_links(self) -> int:
        """See what the notes would link before anything is linked, then let it be; give how many links were made."""
        plan = await self._card("link match", "could be made", "Nothing to link")
        linked = 0
        for button in buttons(plan.message or {}):
            if button["custom_id"].startswith("link-match:v1:apply:"):
                linked = number_in(r"## ([\d,]+) links? made", await self._click(plan, button))
                break
        await self._command("setup options", {"link_mode": "automatic"}, sees="Muster links by itself")
        return linked

    async def _review(self) -> int:
        """Give one suggestion to whom it belongs and refuse another, if there are any; give how many were decided."""
        card = await self._card("link review", "Whose is", "Nothing is left")
        decided: set[str] = set()
        for _ in range(REVIEWED):
            asked = WHOSE.search(card.text)
            if asked is None or {LINKED, REFUSED} <= decided:
                break
            button, sign = self._decision(card, self._owners(asked[1]), decided)
            # What was decided before may have decided this one too: then the answer says so.
            if f"**{asked[1]}** {sign}" in await self._click(card, button, quiet=sign == PUT_OFF):
                decided.add(sign)
        return len(decided - {PUT_OFF})

    @staticmethod
    def _decision(card: Shown, owners: Container[int], decided: Container[str]) -> tuple[dict[str, Any], str]:
        """Give the right button, and the sign of what it does; what was decided once is put off from then on."""
        *candidates, refuse, later = buttons(card.message or {})
        right = next((one for one in candidates if int(one["custom_id"].rpartition(":")[2]) in owners), None)
        button, sign = (refuse, REFUSED) if right is None else (right, LINKED)
        return (later, PUT_OFF) if sign in decided else (button, sign)

    def _owners(self, name: str) -> set[int]:
        """Give the members who play a character of this name."""
        players = [one for one in self.sample.people if any(own.name == name for own in one.characters)]
        joined = {self._joined for one in players if self._newcomer in one.characters}
        return joined | {self.stage.user_ids[one.member.id] for one in players if one.member}

    async def _who_is_who(self, *, noted: bool) -> None:
        """See how much is linked and, where notes linked anything, somebody whose alt is theirs by a note."""
        await self._command("link coverage", {}, sees="[picture: ")
        self.step = "/whois"
        members = (person.member for person in self.sample.people if person.member)
        for member in members if noted else ():
            shown = await self.stage.command("whois", {"member": self.stage.user_ids[member.id]})
            if "note says" in shown.text:
                self._show(f"{self._me} runs /whois", shown.lines)
                return
        if noted:
            raise NotSeen("a character that is somebody's by what a note says")

    async def _act_on_findings(self) -> tuple[int, int]:
        """Open a finding from the report, mend it by its button, and ignore the next; give how many of each.

        In a small guild everybody who is there may be known, or suggested, by now: then there is nothing to mend.
        """
        report = await self._posted("Audit report")
        orphans = [one for one in buttons(report) if one["custom_id"].startswith(ORPHANS)]
        if not orphans:
            return 0, 0
        self.step = "the characters without a member, from the report"
        shown = await self.stage.discord.click(self.stage.owner_id, report, orphans[0]["custom_id"])
        await shown.finished(within=LONG)
        known = await self._whose_is_known(shown)
        if known is not None:
            button, self._proven, owner = known
            await self._click(shown, button)
            await self._fill(shown, "Link…", {"member": [owner]}, sees="proven, by your word")
            button = next(one for one in buttons(shown.message or {}) if one["label"] == NEXT_FINDING)
        elif found := sections(shown.message or {}):
            _, button = found[0]
        else:
            return 0, 0
        await self._click(shown, button)
        if not any(one["label"] == IGNORE for one in buttons(shown.message or {})):
            return 1, 0
        await self._fill(shown, IGNORE, {"reason": "the guild's bank"}, sees="Ignored")
        return int(known is not None), 1

    async def _whose_is_known(self, shown: Shown) -> tuple[dict[str, Any], Character, int] | None:
        """Page through a list of characters to one whose player is here; give what opens it, it, and their member."""
        for _ in range(REVIEWED):
            for text, button in sections(shown.message or {}):
                name = NAMED.search(text)
                owners = self._owners(name[1]) if name else set()
                if name and len(owners) == 1:
                    return button, self.sample.world.find(name[1]), owners.pop()
            following = [one for one in buttons(shown.message or {}) if one["label"] == NEXT_PAGE]
            if not following or following[0].get("disabled"):
                break
            await self._click(shown, following[0], quiet=True)
        return None

    async def _final_report(self) -> tuple[int, int]:
        await self._command("sync status", {}, sees=PROFILES_READ, again=True)
        await self._command("audit run", {}, sees="Audit done")
        before = {message["id"] for message in self.stage.discord.messages(self.stage.audit_channel)}
        await self._command("audit report", {}, sees="The report goes to")
        report = await self._posted("open now", besides=before)
        text = "\n".join(plain_text(report))
        unlinked = sum(number_in(rf"{title} \(([\d,]+)\)", text, default=0) for title in UNLINKED)
        return number_in(r"\*\*([\d,]+) findings?\*\* open now", text), unlinked

    async def _ranks(self) -> None:
        """Map the guild master's rank, and that of whoever is proven by now.

        After the last report, since only then the others are unmapped.
        """
        self.step = "/setup ranks"
        shown = await self.stage.begin("setup ranks")
        self._show(f"{self._me} runs /setup ranks", shown.lines)
        known = self.stage.discord.world.add_role(self.stage.server_id, "Known")
        for rank, role in {self._proven.rank or 0: known, 0: self.stage.roles["Guild Master"]}.items():
            for what, custom_id, value, sees in (
                ("chooses a rank", "ranks:v1:rank", str(rank), "Role: no role"),
                ("chooses its role", f"ranks:v1:role:{rank}", str(role), "Role: <@&"),
            ):
                self.step = f"{sees!r} after {self._me} {what}"
                await self.stage.discord.select(self.stage.owner_id, shown, custom_id, [value])
                await shown.finished(partial(says, sees), within=LONG)
                self._show(f"{self._me} {what}", shown.lines)
            [home] = [one for one in buttons(shown.message or {}) if one["custom_id"] == "ranks:v1:open:home"]
            await self._click(shown, home, quiet=True)

    async def _roles(self) -> None:
        """Look at what role sync would change; it stays off."""
        shown = await self._card("setup roles", "Role sync")
        [preview] = [one for one in buttons(shown.message or {}) if one["label"] == "What would change"]
        seen = await self._click(shown, preview)
        if not any(words in seen for words in ("to give", "Nothing to change")):
            raise NotSeen(f"what would change, but: {seen}")

    async def _health(self) -> None:
        self.step = "GET /healthz"
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{self.stage.web_port}/healthz")
        self.screen.say(f"GET /healthz: {answer.status_code} {answer.text}")
        if answer.status_code != httpx.codes.OK:
            raise NotSeen(f"200, but {answer.status_code}")


def nameless(sample: Sample) -> Sequence[Character]:
    """Give the guild's characters whose name no member bears, in whatever spelling, and no other character."""
    borne = {plain(name) for one in sample.members for name in (one.username, one.global_name, one.nick) if name}
    borne |= {plain(person.named_after.name) for person in sample.people if person.named_after}
    characters = sample.world.members(sample.guild)
    bearers = Counter(plain(character.name) for character in characters)
    return [one for one in characters if bearers[plain(one.name)] == 1 and plain(one.name) not in borne]


def strangers(sample: Sample) -> tuple[Character, Character]:
    """Give two nameless characters of two people, mains of whom nobody is in Discord yet where there are such."""

    def rather(character: Character) -> tuple[bool, bool]:
        person = sample.owner_of(character)
        return person.member is not None, character is not person.main

    first, *others = sorted(nameless(sample), key=rather)
    second = next((one for one in others if sample.owner_of(one) is not sample.owner_of(first)), others[0])
    return first, second


def plain(name: str) -> str:
    """Give a name as a reader compares it: small letters, no accents."""
    return without_accents(name).lower()
