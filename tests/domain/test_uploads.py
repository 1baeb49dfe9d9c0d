"""Which of two exports still counts, and whether an export is of a guild."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.note_rows import NoteRow
from domain.uploads import Export, Format, GuildName, Moment, Weight, counting, is_same_guild, weigh

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OLDER, NEWER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
SEES, BLIND = True, False


@pytest.mark.parametrize(
    ("sees", "others", "weight"),
    [
        (SEES, [], Weight.ALL),
        (BLIND, [], Weight.ALL),
        (SEES, [(OLDER, SEES), (OLDER, BLIND)], Weight.ALL),
        (BLIND, [(OLDER, SEES), (OLDER, BLIND)], Weight.ALL),
        (SEES, [(NOON, SEES), (NOON, BLIND)], Weight.ALL),
        (SEES, [(NEWER, SEES)], Weight.NOTHING),
        (SEES, [(NEWER, SEES), (NEWER, BLIND)], Weight.NOTHING),
        (SEES, [(NEWER, BLIND)], Weight.OFFICER_NOTES),
        (SEES, [(NEWER, BLIND), (OLDER, SEES)], Weight.OFFICER_NOTES),
        (BLIND, [(NEWER, BLIND)], Weight.NOTHING),
        (BLIND, [(NEWER, SEES)], Weight.NOTHING),
        (BLIND, [(NEWER, SEES), (OLDER, BLIND)], Weight.NOTHING),
    ],
)
def test_an_export_counts_for_what_no_newer_one_tells(
    sees: bool,
    others: list[tuple[datetime, bool]],
    weight: Weight,
) -> None:
    assert weigh(Moment(NOON, sees), [Moment(*other) for other in others]) is weight


def test_of_an_officers_older_export_only_the_officer_notes_count() -> None:
    rows = (NoteRow("Ana", None, "old", "secret"), NoteRow("Bo", None, "old", None))
    whole = Export(Format.MUSTER, "export", NOON, None, None, SEES, {0: "GM"}, rows, 2)
    left = counting(whole, Weight.OFFICER_NOTES)
    assert [(row.guild_note, row.officer_note) for row in left.rows] == [(None, "secret"), (None, None)]
    assert (left.titles, left.size) == ({}, 2)
    assert counting(whole, Weight.ALL) == whole
    assert counting(whole, Weight.NOTHING).rows == ()


KNOWN = GuildName("Wächter d'Azeroth", "Die Silberne Hand", "eu")
NAMES = ("die-silberne-hand", "Серебряная Рука", "La Main d'argent")


@pytest.mark.parametrize(
    "sent",
    [
        KNOWN,
        GuildName("wächter D'AZEROTH", None, "EU"),
        GuildName("Wa\N{COMBINING DIAERESIS}chter d’Azeroth", None, "eu"),
        GuildName("Wächter d'Azeroth", "DieSilberneHand", "eu"),
        GuildName("Wächter d'Azeroth", "die-silberne-hand", "eu"),
        GuildName("Wächter d'Azeroth", "СеребрянаяРука", "eu"),
        GuildName("Wächter d'Azeroth", "LaMaindargent", "eu"),
    ],
)
def test_a_guild_is_known_however_the_game_writes_its_realm(sent: GuildName) -> None:
    assert is_same_guild(sent, KNOWN, NAMES)


@pytest.mark.parametrize(
    "sent",
    [
        GuildName("Wächter", "Die Silberne Hand", "eu"),
        GuildName("Wachter d'Azeroth", "Die Silberne Hand", "eu"),
        GuildName("Wächtér d'Azeroth", "Die Silberne Hand", "eu"),
        GuildName("Wächter d'Аzeroth", "Die Silberne Hand", "eu"),  # with a Cyrillic letter
        GuildName("Wächter d'Azeroth", "Blackhand", "eu"),
        GuildName("Wächter d'Azeroth", "Die Silberne Hand", "us"),
        GuildName("Wächter d'Azeroth", "???", "eu"),
        GuildName("???", "Die Silberne Hand", "eu"),
    ],
)
def test_another_name_realm_or_region_is_another_guild(sent: GuildName) -> None:
    assert not is_same_guild(sent, KNOWN, NAMES)
