"""Messages as plain lines."""

import discord
from discord import ui

from sandbox.discord import accent, plain_text, sections


def test_a_v2_card_reads_as_plain_lines() -> None:
    view = ui.LayoutView()
    row = ui.ActionRow(
        ui.Button(label="Show more", emoji="🔎", custom_id="more"),
        ui.Button(label="Off", custom_id="off", disabled=True),
        ui.Button(label="Armory", url="https://example.org"),
    )
    menu = ui.ActionRow(
        ui.Select(custom_id="pick", placeholder="Pick a rank", options=[discord.SelectOption(label="1")])
    )
    card = ui.Container(
        ui.TextDisplay("## Audit report\n12 findings"),
        ui.Separator(),
        ui.Section("**Orphans**", "3 characters", accessory=ui.Button(label="Fix", custom_id="fix")),
        row,
        menu,
        ui.ActionRow(ui.UserSelect(custom_id="who")),
        accent_colour=0xD4A84B,
    )
    view.add_item(card)
    message = {"content": "", "embeds": [], "components": view.to_components()}
    assert plain_text(message) == [
        "## Audit report",
        "12 findings",
        "────────",
        "**Orphans**",
        "3 characters  [ Fix ]",
        "[ 🔎 Show more ]  [ Off ] (disabled)  [ Armory ↗ ]",
        "[ Pick a rank ▾ ]",
        "[ Choose a user ▾ ]",
    ]
    assert accent(message) == 0xD4A84B
    [(text, control)] = sections(message)
    assert (text, control["custom_id"]) == ("**Orphans**", "fix")


def test_an_embed_with_content_and_a_file_reads_as_plain_lines() -> None:
    embed = discord.Embed(title="Guild", description="The Ember Vigil\nAmberfall", colour=0x3498DB)
    embed.add_field(name="Members", value="418\nand 2 guests").set_footer(text="now")
    message = {"content": "<@1>", "embeds": [embed.to_dict()], "attachments": [{"filename": "a.csv"}]}
    assert plain_text(message) == [
        "<@1>",
        "## Guild",
        "The Ember Vigil",
        "Amberfall",
        "Members: 418",
        "and 2 guests",
        "-# now",
        "[file: a.csv]",
    ]
    assert accent(message) == 0x3498DB


def test_an_empty_message_has_no_lines_and_no_accent() -> None:
    assert plain_text({"content": None, "embeds": [], "components": []}) == []
    assert accent({"components": []}) is None
