"""The evening of the demo: against the truth about the guild, against Discord's documents, and as a person runs it."""

import json
import re
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.battlenet import payloads
from sandbox.battlenet.payloads import Page
from sandbox.discord import Exchange
from sandbox.evening import SEED, Evening, perform, play
from sandbox.people import Naming
from sandbox.sample import sample_guild
from sandbox.screen import Screen
from tests.e2e.demos import demo, interrupt, read_until
from tests.e2e.refereed import RefereedStage
from tests.e2e.small import NAMES, small_guild

REAL_ROSTER = Path("fixtures") / "guild_roster.eu.stormrage.avalerion.json"
SUMMARY = re.compile(r"synced (\d+) characters, linked (\d+), findings (\d+)")
JOINED_TONIGHT = 2
NEWCOMERS_LINK = 1
STALE_DAYS = 30


@pytest.fixture(scope="module")
def small_roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a roster file of the small guild, as Battle.net would answer."""
    sample = small_guild()
    page = Page("https://eu.api.blizzard.com", sample.guild.realm.region, "en_GB")
    file = tmp_path_factory.mktemp("rosters") / "small.json"
    file.write_text(json.dumps(payloads.roster(page, sample.world, sample.guild)))
    return file


@dataclass(frozen=True)
class Demos:
    """Two demos at work: one that ends by itself, with a real roster, and one that stays up, with a small one."""

    once: Process
    staying: Process


@pytest.fixture(scope="module")
async def demos(shared: Path, small_roster: Path) -> AsyncIterator[Demos]:
    """Start both before all else of this file: an evening is mostly waiting."""
    once = await demo("--once", "--roster", str(shared / REAL_ROSTER))
    staying = await demo("--roster", str(small_roster))
    yield Demos(once, staying)
    for process in (once, staying):
        if process.returncode is None:
            process.terminate()
            await process.communicate()


@dataclass(frozen=True)
class Played:
    """An evening after its last step, the bot still there."""

    stage: RefereedStage
    summary: str

    async def whois(self, user_id: int) -> str:
        """Ask who a member is, as the guild master."""
        return (await self.stage.command("whois", {"member": user_id})).text


@pytest.fixture(scope="module")
async def played(demos: Demos) -> AsyncIterator[Played]:
    async with RefereedStage(sample_guild(SEED)) as stage:
        yield Played(stage, await Evening(stage, Screen()).play())


async def test_the_summary_is_the_truth_about_the_sample_guild(played: Played) -> None:
    sample = played.stage.sample
    characters = len(sample.world.members(sample.guild))
    linked = len(sample.linkable) + NEWCOMERS_LINK
    people = sum(not member.bot for member in sample.members) + JOINED_TONIGHT
    long_ago = (datetime.now(UTC) - timedelta(days=STALE_DAYS)).timestamp() * 1000
    stale = sum(one.visible and one.last_login < long_ago for one in sample.world.members(sample.guild))
    findings = (characters - linked) + (people - linked) + stale
    assert played.summary == f"synced {characters} characters, linked {linked}, findings {findings}"


async def test_each_member_is_linked_to_the_character_of_their_name_and_to_no_other(played: Played) -> None:
    sample = played.stage.sample
    for person in sample.people:
        if person.member is None:
            continue
        shown = await played.whois(played.stage.user_ids[person.member.id])
        linked = re.findall(r"^\*\*(.+?)\*\* · .*Rank", shown, re.MULTILINE)
        expected = sample.linkable.get(person.member.id)
        assert linked == ([expected.name] if expected else []), (person.member.shown_name, shown)


async def test_two_bearers_of_one_name_are_both_left_alone(played: Played) -> None:
    sample = played.stage.sample
    shared = [person.member for person in sample.people if person.member and person.naming is Naming.SHARED]
    assert shared
    for member in shared:
        assert "Not linked to any character" in await played.whois(played.stage.user_ids[member.id])


def test_what_crossed_the_sockets_fits_discords_documents(played: Played) -> None:
    assert sum(isinstance(one, Exchange) for one in played.stage.recorded) > 50
    played.stage.judge()


def test_no_secret_stands_in_the_log_and_nothing_failed(played: Played) -> None:
    stage = played.stage
    log = "\n".join(stage.bot.log)
    assert "the timers run here" in log
    assert stage.token not in log
    assert stage.battlenet.client_secret not in log
    assert " ERROR " not in log
    assert " WARNING " not in log


async def test_the_evening_of_a_real_guild_is_seen_whole(shared: Path, demos: Demos) -> None:
    out, errors = (text.decode() for text in await demos.once.communicate())
    assert (demos.once.returncode, errors) == (0, "")
    found = SUMMARY.fullmatch(out.splitlines()[-1])
    assert found is not None, out[-500:]
    characters, linked, findings = map(int, found.groups())
    assert characters == len(json.loads((shared / REAL_ROSTER).read_text())["members"]) == 418
    assert 0 < linked < characters
    assert findings > characters - linked


async def test_ctrl_c_after_the_evening_is_a_good_end_and_leaves_no_process(demos: Demos) -> None:
    said = await read_until(demos.staying, "Muster stays up")
    found = next(filter(None, map(SUMMARY.match, said)))
    assert int(found[1]) == len(NAMES)
    assert await interrupt(demos.staying) == 0


async def test_ctrl_c_in_the_evening_is_exit_130_and_leaves_no_process(small_roster: Path) -> None:
    process = await demo("--roster", str(small_roster))
    await read_until(process, "the bot is the shipped one")
    assert await interrupt(process) == 130


async def test_a_step_that_is_not_seen_is_named_after_the_bots_last_lines(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with RefereedStage(small_guild(), settings={"DATABASE_URL": database}) as stage:
        stage.sample.world.guilds.clear()
        assert await perform(Screen(), stage, once=True) == 1
    out, errors = capsys.readouterr()
    assert "synced" not in out
    *log, line = errors.splitlines()
    assert line.startswith("not seen: /setup guild: ")
    assert "listening on" in log[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot read"),
        ("not json", "not JSON"),
        ('{"members": []}', "not a Battle.net guild roster"),
        ('{"guild": {}, "members": [{"rank": 1}]}', "not a Battle.net guild roster"),
    ],
)
def test_a_bad_roster_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, told: str
) -> None:
    file = tmp_path / "roster.json"
    if content is not None:
        file.write_text(content)
    assert play(once=True, roster=file) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert len(errors.splitlines()) == 1
    assert str(file) in errors
    assert told in errors
