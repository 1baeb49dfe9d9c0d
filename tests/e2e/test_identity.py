"""Who is who, through the real process: notes, links that follow from links, and a review that outlives a crash."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.discord import Shown, buttons, plain_text
from sandbox.notes import Note
from sandbox.sample import Sample
from sandbox.stage import LONG
from tests.e2e.conftest import Home
from tests.e2e.small import small_guild

SHARED = ("Siggi", "Torben", "Ulrike")
"""Names that two members bear each."""
TWINS = tuple(f"{name.lower()}_{number}" for name in SHARED for number in (1, 2))
SUGGESTED = ("Muleg", "Muleh", "Mulei")
NOTES = {
    "Mulea": Note("alt of Bryndis", None),
    "Muleb": Note("Twink von Mulea", ""),
    "Mulec": Note("bank", "Discord: tall_heron"),
    "Muled": Note("Mulec's alt", "trusted"),
    **{name: Note("", f"Discord: {shared}") for name, shared in zip(SUGGESTED, SHARED, strict=True)},
}


def noted_guild() -> Sample:
    """Give the small guild notes, and pairs of members of one name each."""
    sample = small_guild()
    characters = {one.name: one for one in sample.characters}
    last = max(member.id for member in sample.members)
    twins = [
        replace(
            sample.members[-1],
            id=last + number,
            username=username,
            nick=username.partition("_")[0].capitalize(),
            roles=(),
        )
        for number, username in enumerate(TWINS, 1)
    ]
    notes = {characters[name]: note for name, note in NOTES.items()}
    return replace(sample, members=(*sample.members, *twins), notes=notes)


@pytest.fixture(scope="module")
async def home(data_dir: Path) -> AsyncIterator[Home]:
    """Give that guild with everything read, and its notes handed in while rules only suggest."""
    async with Home(noted_guild(), settings={"MUSTER_DATA_DIR": str(data_dir)}) as home:
        await home.raise_curtain()
        await home.set_up()
        assert "only suggests" in await home.say("setup options", {"link_mode": "suggest"})
        await home.meanwhile(home.upload_notes())
        assert "on this server" in await home.say("sync members")
        yield home


def member(home: Home, username: str) -> int:
    return next(one.id for one in home.discord.backend.users.values() if one.name == username)


async def press(home: Home, shown: Shown, label: str) -> str:
    """Press a button that changes its own message; give what the message says then."""
    before = shown.text
    await home.discord.click(home.owner_id, shown, label=label)
    await shown.finished(lambda now: now.text != before, within=LONG)
    return shown.text


def asked(text: str) -> str | None:
    """Give the character that a card of the review asks about."""
    found = re.search(r"^## Whose is (.+)\?$", text, re.MULTILINE)
    return found and found[1]


async def restart(home: Home) -> None:
    """End the bot without a word and start it again."""
    await home.bot.kill()
    await home.raise_curtain()


async def test_where_rules_only_suggest_notes_link_nobody_by_themselves(home: Home) -> None:
    shown = await home.say("whois", {"member": member(home, "loud_bear")})
    assert "Bryndis" in shown
    assert "Mule" not in shown


async def test_a_plan_from_before_a_crash_is_applied_after_it_with_links_that_follow_from_links(home: Home) -> None:
    plan = await home.meanwhile(home.command("link match"))
    for alt in ("Mulea", "Muleb", "Mulec", "Muled"):
        assert f"**{alt}" in plan.text
    assert f"{len(SUGGESTED)} suggestions" in plan.text
    await restart(home)
    (apply,) = (one["label"] for one in buttons(plan.message or {}) if one["label"].startswith("Apply"))
    assert "## 4 links made" in await press(home, plan, apply)
    for username, alts in (("loud_bear", ("Mulea", "Muleb")), ("tall_heron", ("Mulec", "Muled"))):
        shown = await home.say("whois", {"member": member(home, username)})
        for alt in alts:
            assert f"**{alt}**" in shown
    assert "“Twink von Mulea”" in shown or "says “Mulec”" in shown


async def test_a_review_goes_on_where_it_was_after_a_crash(home: Home) -> None:
    card = await home.meanwhile(home.command("link review"))
    assert f"{len(SUGGESTED)} suggestions left" in card.text
    first = asked(card.text)
    assert first in SUGGESTED
    right = next(one for one in buttons(card.message or {}) if one["custom_id"].startswith("link-review:v1:pick:"))
    after = await press(home, card, right["label"])
    assert f"**{first}** is linked" in after
    second = asked(after)
    assert second not in (None, first)

    await restart(home)
    again = await home.meanwhile(home.command("link review"))
    assert asked(again.text) == second
    assert "2 suggestions left" in again.text
    after = await press(home, card, "Not a match")
    assert f"**{second}** is not" in after
    third = asked(after)
    assert {first, second, third} == set(SUGGESTED)

    await home.bot.kill()
    await home.raise_curtain()
    assert "comes back after all others" in await press(home, card, "Later")
    assert asked(card.text) == third
    assert "Nothing is left to review" in await press(home, card, "Not a match")
    assert "Nothing is left to review" in await home.say("link review")


async def test_what_was_refused_stays_refused_and_what_was_chosen_is_proven(home: Home) -> None:
    assert "on this server" in await home.say("sync members")
    assert "Nothing is left to review" in await home.say("link review")
    shown = [await home.say("whois", {"member": member(home, username)}) for username in TWINS]
    (owner,) = (text for text in shown if "**Mule" in text)
    assert "proven" in owner


async def test_a_note_that_changes_is_a_finding_and_undoes_nothing(home: Home) -> None:
    mulea = next(one for one in home.sample.characters if one.name == "Mulea")
    home.sample = replace(home.sample, notes={**home.sample.notes, mulea: Note("alt of Aldric", None)})
    await home.meanwhile(home.upload_notes())
    assert "on this server" in await home.say("sync members")
    assert "**Mulea**" in await home.say("whois", {"member": member(home, "loud_bear")})
    await home.say("audit report")

    def doubts(message: dict[str, Any]) -> bool:
        return "in doubt (1)" in "\n".join(plain_text(message))

    report = "\n".join(plain_text(await home.discord.wait_for_message(home.audit_channel, doubts)))
    assert "**Mulea**" in report
    assert "alt of" not in report
