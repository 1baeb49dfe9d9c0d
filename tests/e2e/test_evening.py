"""The evening of the demo: against the truth about the guild, against Discord's documents, and as a person runs it."""

import json
import re
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import create_engine
from db.tables.guilds import Character
from db.tables.people import PlayerCharacter, PlayerMember
from domain.links import Source
from sandbox.battlenet import payloads
from sandbox.battlenet.payloads import Page
from sandbox.companion import KEY
from sandbox.discord import Exchange
from sandbox.evening import SEED, Evening, perform, play, strangers
from sandbox.people import Naming
from sandbox.sample import sample_guild
from sandbox.screen import Screen
from tests.conftest import create_database, drop_database, url_of
from tests.e2e.demos import demo, interrupt, read_until
from tests.e2e.refereed import RefereedStage
from tests.e2e.small import NAMES, small_guild

REAL_ROSTER = Path("fixtures") / "guild_roster.eu.stormrage.avalerion.json"
UPLOADED = re.compile(r"uploaded (\d+) rows \((\d+) with news, (\d+) unmatched\)")
SUMMARY = re.compile(
    r"synced (\d+) characters, linked (\d+) \((\d+) by their notes, (\d+) reviewed\), "
    r"findings (\d+) \((\d+) mended, (\d+) ignored\)"
)
NOTED = (Source.GUILD_NOTE, Source.OFFICER_NOTE)
JOINED_TONIGHT = 2
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
    """An evening after its last step, the bot still there, and who owns which character by then."""

    stage: RefereedStage
    summary: str
    engine: AsyncEngine

    async def links(self) -> dict[tuple[str, str], tuple[int, Source]]:
        """Load name and realm of each linked character, with the member and where the character's half comes from."""
        query = (
            sa.select(Character.name, Character.realm_slug, PlayerMember.user_id, PlayerCharacter.source)
            .join(PlayerCharacter, PlayerCharacter.character_id == Character.id)
            .join(PlayerMember, PlayerMember.player_id == PlayerCharacter.player_id)
        )
        async with self.engine.connect() as connection:
            return {
                (name, realm): (user_id, source) for name, realm, user_id, source in await connection.execute(query)
            }

    def owners(self) -> dict[tuple[str, str], int | None]:
        """Give the truth: name and realm of each character, with its owner's member; None is not in Discord.

        Who joined under the name of a character is taken for its owner.
        """
        sample = self.stage.sample
        newcomer, _ = strangers(sample)
        joined = next(one.id for one in self.stage.discord.backend.users.values() if one.name == "newcomer_of_tonight")
        owners: dict[tuple[str, str], int | None] = {}
        for person in sample.people:
            user_id = self.stage.user_ids[person.member.id] if person.member else None
            if newcomer in person.characters:
                assert user_id is None
                user_id = joined
            owners |= {(one.name, one.realm.slug): user_id for one in person.characters}
        return owners


@pytest.fixture(scope="module")
async def played(demos: Demos, admin: AsyncEngine, template_db: str) -> AsyncIterator[Played]:
    name = await create_database(admin, template_db)
    engine = create_engine(url_of(admin, name))
    settings = {"DATABASE_URL": url_of(admin, name)}
    async with RefereedStage(sample_guild(SEED), settings=settings) as stage:
        yield Played(stage, await Evening(stage, Screen()).play(), engine)
    await engine.dispose()
    await drop_database(admin, name)


async def test_the_summary_is_the_truth_about_the_sample_guild(played: Played) -> None:
    sample = played.stage.sample
    links = await played.links()
    characters = len(sample.world.members(sample.guild))
    people = sum(not member.bot for member in sample.members) + JOINED_TONIGHT
    long_ago = (datetime.now(UTC) - timedelta(days=STALE_DAYS)).timestamp() * 1000
    stale = sum(one.visible and one.last_login < long_ago for one in sample.world.members(sample.guild))
    members = len({user_id for user_id, _ in links.values()})
    findings = (characters - len(links)) + (people - members) + stale
    uploaded, summary = played.summary.splitlines()
    assert UPLOADED.fullmatch(uploaded), uploaded
    found = SUMMARY.fullmatch(summary)
    assert found is not None, summary
    synced, linked, from_notes, reviewed, told, mended, ignored = map(int, found.groups())
    assert (synced, linked, reviewed, told) == (characters, len(links), 2, findings - ignored)
    assert (mended, ignored) == (1, 1)
    assert sum(source in NOTED for _, source in links.values()) >= from_notes > 50


async def test_the_upload_tells_of_every_character_and_all_notes_are_kept(played: Played) -> None:
    sample = played.stage.sample
    found = UPLOADED.match(played.summary)
    assert found is not None
    noted = [note for note in sample.notes.values() if note.guild is not None or note.officer is not None]
    assert [int(number) for number in found.groups()] == [len(sample.characters), len(noted), 0]


async def test_nobody_is_linked_to_a_character_of_somebody_else(played: Played) -> None:
    owners = played.owners()
    wrong = {one: user_id for one, (user_id, _) in (await played.links()).items() if user_id != owners[one]}
    assert wrong == {}


async def test_each_member_is_linked_to_the_character_of_their_name(played: Played) -> None:
    links, sample = await played.links(), played.stage.sample
    assert sample.linkable
    for member_id, character in sample.linkable.items():
        assert links[character.name, character.realm.slug][0] == played.stage.user_ids[member_id]


async def test_what_the_notes_say_links_most_alts_of_those_who_are_known(played: Played) -> None:
    links, sample = await played.links(), played.stage.sample
    mains = {person.main.name: person for person in sample.people}
    told = [
        (person, alt)
        for person in mains.values()
        if (person.main.name, person.main.realm.slug) in links and person.naming is not Naming.SHARED
        for alt in person.characters[1:]
        if person.main.name in (sample.notes[alt].guild or "")
    ]
    linked = [alt for _, alt in told if (alt.name, alt.realm.slug) in links]
    assert len(linked) > 0.9 * len(told) > 50


async def test_an_officer_is_told_why_an_alt_is_somebodys(played: Played) -> None:
    links = await played.links()
    noted = next(user_id for user_id, source in links.values() if source is Source.GUILD_NOTE)
    shown = (await played.stage.command("whois", {"member": noted})).text
    assert "the public note says" in shown


async def test_two_bearers_of_one_name_are_left_to_the_officers(played: Played) -> None:
    links, sample = await played.links(), played.stage.sample
    shared = [person for person in sample.people if person.naming is Naming.SHARED]
    assert shared
    for person in shared:
        _, source = links.get((person.main.name, person.main.realm.slug), (0, Source.OFFICER))
        assert source is Source.OFFICER


def test_what_crossed_the_sockets_fits_discords_documents(played: Played) -> None:
    assert sum(isinstance(one, Exchange) for one in played.stage.recorded) > 50
    played.stage.judge()


def test_no_secret_stands_in_the_log_and_nothing_failed(played: Played) -> None:
    stage = played.stage
    log = "\n".join(stage.bot.log)
    assert "the timers run here" in log
    assert stage.token not in log
    assert KEY.search(log) is None
    assert stage.battlenet.client_secret not in log
    assert " ERROR " not in log
    assert " WARNING " not in log


async def test_the_evening_of_a_real_guild_is_seen_whole(shared: Path, demos: Demos) -> None:
    out, errors = (text.decode() for text in await demos.once.communicate())
    assert (demos.once.returncode, errors) == (0, "")
    found = SUMMARY.fullmatch(out.splitlines()[-1])
    assert found is not None, out[-500:]
    assert UPLOADED.fullmatch(out.splitlines()[-2])
    characters, linked, _, _, findings, *_ = map(int, found.groups())
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
