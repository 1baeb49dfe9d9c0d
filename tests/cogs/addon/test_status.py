"""`/addon status`: what came, how old the notes are, and what did not fit."""

from datetime import datetime, timedelta
from typing import Any

import discord
import pytest
import simcord
import sqlalchemy as sa

from bot.services import uploads
from bot.services.upload_keys import Uploader
from bot.services.uploads import UploadView
from cogs.addon import status_texts as texts
from cogs.addon.status import NAMED, PER_PAGE, SHOWN, Status, status_card, unfit_card
from cogs.common.cards import PLAIN_COLOUR, WARNING_COLOUR
from cogs.common.paginator import check_budget
from db.tables.uploads import Upload
from domain.uploads import UploadState
from tests.cogs.addon.keys import a_post, elsewhere, make
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.support import forge
from tests.support.tree import components_of
from tests.support.uploads import body, export, insert_key, row

BOB = "Bob's PC"
LONGEST = "*" * 200


@pytest.fixture
async def hall(home: Home) -> Home:
    """Read the guild's roster once."""
    await home.sync_roster()
    return home


@pytest.fixture
async def uploader(hall: Home) -> Uploader:
    """Give a key to somebody."""
    return await insert_key(hall.services.ctx, (await hall.follow()).id, hall.server.id, name=BOB)


async def send(home: Home, uploader: Uploader, *rows: Any, at: datetime | None = None, **others: Any) -> str:
    """Let an export arrive and be applied; give the upload's id."""
    guild = home.sample.guild
    named = {"name": guild.name, "realm": guild.realm.name, "region": guild.realm.region}
    made = export(*rows, at=at or home.clock(), guild=named, **others)
    receipt = await uploads.receive(home.services.ctx, uploader, body(made))
    await uploads.process(home.services.ctx, uploader.server_id)
    return receipt.upload


def member(home: Home, note: str = "", officer_note: str | None = None) -> dict[str, Any]:
    """Give a row of a character that is in the guild."""
    character = home.sample.world.members(home.sample.guild)[0]
    return row(character.name, note, officer_note, realm=character.realm.name)


def strangers(count: int) -> list[dict[str, Any]]:
    """Give rows that fit nobody."""
    return [row(f"Nobody{number}", realm="Nowhere") for number in range(count)]


async def status(home: Home) -> discord.Message:
    """Open the card."""
    result = await home.officer.slash(home.general, "addon status")
    assert result.ephemeral
    assert result.response is not None
    return result.response


async def set_state(home: Home, public_id: str, state: UploadState, **values: Any) -> None:
    """Write down how an upload stands."""
    async with home.services.ctx.sessions.begin() as session:
        await session.execute(sa.update(Upload).where(Upload.public_id == public_id).values(state=state, **values))


def at(moment: datetime) -> str:
    """Give a moment as it is shown."""
    return f"<t:{int(moment.timestamp())}:R>"


async def test_before_a_guild_is_followed_the_way_to_one_is_told(home: Home) -> None:
    told = home.refused(await home.officer.slash(home.general, "addon status"))
    assert told == "This server follows no guild yet. Choose one with `/setup guild`."


async def test_before_the_first_upload_each_step_to_it_is_told(hall: Home) -> None:
    text = text_of(await status(hall))
    assert "**Nothing was uploaded yet.**" in text
    assert [line[:3] for line in text.splitlines()[2:]] == ["1. ", "2. ", "3. ", "4. "]
    assert "1. `/addon key`" in text
    await make(hall, BOB)
    assert "1. ✅ 1 key is in force." in text_of(await status(hall))


async def test_an_upload_is_shown_with_when_by_whom_what_it_saw_and_what_it_brought(
    hall: Home, uploader: Uploader
) -> None:
    read_at = hall.clock() - timedelta(hours=2)
    upload = await send(hall, uploader, member(hall, "a new note"), *strangers(0), at=read_at)
    text = text_of(await status(hall))
    assert f"✅ {at(hall.clock())} by **Bob's PC**: applied" in text
    assert "1 character with news, 0 unchanged" in text
    assert f"read {at(read_at)} by Bob\\-Stormrage · 1 row · officer notes seen · `{upload}`" in text
    assert f"**Guild and officer notes** as of {at(read_at)} · limit: 7 days" in text


async def test_an_exporter_who_could_not_see_officer_notes_is_told_apart_and_their_age_stands_alone(
    hall: Home, uploader: Uploader
) -> None:
    await send(hall, uploader, member(hall), at=hall.clock() - timedelta(hours=3), officer_notes=False)
    text = text_of(await status(hall))
    assert "officer notes not seen" in text
    assert texts.NO_OFFICER_NOTES in text
    seeing = {"name": "Bob", "realm": "Stormrage", "officer_notes": True}
    blind = seeing | {"officer_notes": False}
    await send(hall, uploader, member(hall), at=hall.clock() - timedelta(hours=2), exporter=seeing)
    await send(hall, uploader, member(hall), at=hall.clock() - timedelta(hours=1), exporter=blind)
    text = text_of(await status(hall))
    assert f"**Guild notes** as of {at(hall.clock() - timedelta(hours=1))} · limit: 7 days" in text
    assert f"**Officer notes** as of {at(hall.clock() - timedelta(hours=2))}" in text
    assert texts.NO_OFFICER_NOTES not in text


async def test_notes_older_than_the_servers_limit_are_said_to_be_and_what_brings_new_ones(
    hall: Home, uploader: Uploader
) -> None:
    await send(hall, uploader, member(hall))
    hall.clock.advance(days=7)
    assert texts.TOO_OLD not in text_of(await status(hall))
    hall.clock.advance(seconds=1)
    shown = await status(hall)
    assert texts.TOO_OLD in text_of(shown)
    assert colour(shown) == WARNING_COLOUR


async def test_the_same_notes_again_are_unchanged(hall: Home, uploader: Uploader) -> None:
    for hours in (2, 1):
        await send(hall, uploader, member(hall, "a note"), at=hall.clock() - timedelta(hours=hours))
    assert "0 characters with news, 1 unchanged" in text_of(await status(hall))


async def test_notes_that_are_empty_now_are_counted(hall: Home, uploader: Uploader) -> None:
    await send(hall, uploader, member(hall, "note"))
    hall.clock.advance(minutes=1)
    await send(hall, uploader, member(hall, ""))
    assert "1 character with news (1 lost a note), 0 unchanged" in text_of(await status(hall))


async def test_rows_that_fit_no_character_are_named_up_to_five_and_all_are_a_click_away(
    hall: Home, uploader: Uploader
) -> None:
    await send(hall, uploader, member(hall), *strangers(NAMED + 2))
    shown = await status(hall)
    named = ", ".join(f"Nobody{number}\\-Nowhere" for number in range(NAMED))
    assert f"⚠️ 7 rows fit no character of the guild: {named} … and 2 more" in text_of(shown)
    await hall.officer.click(shown, label=texts.SHOW_ALL)
    assert "Nobody6\\-Nowhere" in text_of(shown)
    assert texts.EXPLAINED in text_of(shown)
    await hall.officer.click(shown, label=texts.BACK)
    assert text_of(shown).startswith("## Notes from the game")


async def test_more_rows_than_a_page_holds_are_paged(hall: Home, uploader: Uploader) -> None:
    await send(hall, uploader, member(hall), *strangers(PER_PAGE + 1))
    shown = await status(hall)
    await hall.officer.click(shown, label=texts.SHOW_ALL)
    assert f"Nobody{PER_PAGE}\\-" not in text_of(shown)
    await hall.officer.click(shown, label="Next")
    assert f"Nobody{PER_PAGE}\\-" in text_of(shown)


async def test_rows_that_fit_several_and_rows_with_a_wrong_field_are_told_apart(hall: Home, uploader: Uploader) -> None:
    twin, other = hall.sample.world.members(hall.sample.guild)[:2]
    upload = await send(hall, uploader, member(hall), row("Bad", level="high"), "no row")
    wrong = {"row": 1, "field": "level", "problem": "not a whole number"}
    [seen] = await uploads.recent(hall.services.ctx, hall.server.id, 1)
    assert seen.result is not None
    assert seen.result["invalid"][0] == wrong
    result = {
        "applied": 0,
        "unchanged": 1,
        "unknown": [],
        "ambiguous": [twin.name, other.name],
        "invalid": seen.result["invalid"],
    }
    await set_state(hall, upload, UploadState.APPLIED, result=result)
    shown = await status(hall)
    assert f"⚠️ 2 rows fit more than one character of the guild: {twin.name}, {other.name}" in text_of(shown)
    assert "⚠️ 2 rows left out, since a field is wrong" in text_of(shown)
    await hall.officer.click(shown, label=texts.SHOW_ALL)
    assert "- Row 2: level is not a whole number\n- Row 3 is not an object" in text_of(shown)
    assert texts.EXPLAINED not in text_of(shown)


async def test_an_upload_whose_rows_all_fit_offers_nothing_to_look_at(hall: Home, uploader: Uploader) -> None:
    await send(hall, uploader, member(hall))
    assert labels_of(await status(hall)) == []


async def test_an_older_export_is_said_to_be_kept_and_not_applied(hall: Home, uploader: Uploader) -> None:
    for hours in (1, 2):
        await send(hall, uploader, member(hall), at=hall.clock() - timedelta(hours=hours))
    blocks = text_of(await status(hall)).splitlines()
    assert any(texts.STATES[UploadState.OLDER][1] in line for line in blocks)


async def test_an_upload_that_waits_is_said_to(hall: Home, uploader: Uploader) -> None:
    upload = await send(hall, uploader, member(hall))
    await set_state(hall, upload, UploadState.RECEIVED, result=None)
    text = text_of(await status(hall))
    assert texts.STATES[UploadState.RECEIVED][1] in text
    assert texts.NONE_APPLIED in text


async def test_an_upload_that_failed_says_why_and_what_to_do(hall: Home, uploader: Uploader) -> None:
    upload = await send(hall, uploader, member(hall))
    await set_state(hall, upload, UploadState.FAILED, result={"reason": "Muster could not apply it"})
    shown = await status(hall)
    assert (
        "Muster could not apply it. The next export is tried anew: `/muster` in the game, then `/reload`. If that "
        "fails too, give whoever runs Muster the id below." in text_of(shown)
    )
    assert colour(shown) == WARNING_COLOUR


async def test_when_all_keys_are_revoked_the_card_says_that_nothing_can_come(hall: Home, uploader: Uploader) -> None:
    await send(hall, uploader, member(hall))
    assert texts.NO_KEY not in text_of(await status(hall))
    async with hall.services.ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE guild_identity.upload_keys SET revoked_at = created_at"))
    assert texts.NO_KEY in text_of(await status(hall))


async def test_names_from_the_game_are_shown_as_text_and_ping_nobody(hall: Home, uploader: Uploader) -> None:
    hostile = "**@everyone** <@1>"
    exporter = {"name": hostile, "realm": None, "officer_notes": True}
    await send(hall, uploader, member(hall), row(hostile, realm="[x](http://y.z)"), exporter=exporter)
    shown = await status(hall)
    cards = [text_of(shown)]
    await hall.officer.click(shown, label=texts.SHOW_ALL)
    cards.append(text_of(shown))
    for text in cards:
        assert "\\*\\*@\u200beveryone\\*\\*" in text
        assert not [part for part in ("@everyone", "<@1>", "[x](", "http://") if part in text]


def upload_of(number: int, state: UploadState, now: datetime) -> UploadView:
    """Make an upload whose every text is as long as it can be."""
    wrong = [{"row": row, "field": LONGEST, "problem": LONGEST} for row in range(40)]
    rows = {"unknown": [LONGEST] * 1_400, "ambiguous": [LONGEST] * 60, "invalid": wrong, "reason": LONGEST}
    return UploadView(f"{number:08}", LONGEST, 1, LONGEST, LONGEST, True, 1_500, now, now, now, state, rows)


@pytest.mark.parametrize("state", list(UploadState))
def test_the_worst_uploads_fit_into_a_message(state: UploadState, clock: Any) -> None:
    found = [upload_of(number, state, clock()) for number in range(SHOWN)]
    view = status_card(Status(LONGEST, 90, 1, found, clock()))
    check_budget(view)
    assert sum(one["type"] == 9 for one in components_of({"components": view.to_components()})) >= 2
    for number in (0, 1, 99):
        check_budget(unfit_card(found[0], number))


async def test_an_upload_of_another_server_is_neither_listed_nor_opened_by_a_copied_control(hall: Home) -> None:
    other = await elsewhere(hall)
    ctx = hall.services.ctx
    async with ctx.sessions() as session:
        guild_id = await session.scalar(
            sa.text("SELECT guild_id FROM guild_identity.server_guilds WHERE server_id = 1")
        )
    assert guild_id is not None
    theirs = await insert_key(ctx, guild_id, other, name="Their PC")
    named = {"name": theirs.guild.name, "realm": None, "region": theirs.guild.region}
    receipt = await uploads.receive(ctx, theirs, body(export(*strangers(1), at=ctx.clock(), guild=named)))
    await uploads.process(ctx, other)
    assert "**Nothing was uploaded yet.**" in text_of(await status(hall))
    custom_id = f"addon-status:v1:page:{receipt.upload}:0"
    result = await forge.use_control(hall.officer, hall.general, await a_post(hall), custom_id)
    assert card_of(result) == texts.NOT_LISTED


async def test_an_upload_that_newer_ones_have_pushed_out_is_said_to_be(hall: Home, uploader: Uploader) -> None:
    await send(hall, uploader, member(hall), *strangers(1))
    shown = await status(hall)
    for number in range(SHOWN):
        await send(hall, uploader, member(hall), at=hall.clock() + timedelta(seconds=number))
    result: simcord.InteractionResult = await hall.officer.click(shown, label=texts.SHOW_ALL)
    assert card_of(result) == texts.NOT_LISTED


def colour(message: discord.Message) -> int:
    """Give the colour of a card."""
    return next(one["accent_color"] for one in components_of(message) if "accent_color" in one)


async def test_a_card_with_nothing_to_worry_about_is_plain(hall: Home, uploader: Uploader) -> None:
    await send(hall, uploader, member(hall))
    assert colour(await status(hall)) == PLAIN_COLOUR
