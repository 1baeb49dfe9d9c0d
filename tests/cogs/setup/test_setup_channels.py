import discord
import pytest
import simcord

from bot.services import servers
from cogs.common import texts as common_texts
from cogs.setup import texts
from tests.cogs.home import Home, card_of, text_of


async def audit_channel(home: Home) -> int | None:
    """Give the channel that the server has chosen."""
    return (await servers.view(home.services.ctx, home.server.id)).audit_channel_id


async def test_the_audit_channel_is_stored_and_the_answer_says_what_comes_there(home: Home) -> None:
    result = await home.officer.slash(home.general, "setup channels", audit=home.audit)
    assert result.ephemeral
    assert card_of(result).startswith(f"## Audit channel\n<#{home.audit.id}> gets:\n- new audit findings")
    assert "Everyone" not in card_of(result)
    assert await audit_channel(home) == home.audit.id


async def test_a_channel_that_everyone_reads_is_taken_with_a_warning(home: Home) -> None:
    result = await home.officer.slash(home.general, "setup channels", audit=home.general)
    assert "⚠️ **Everyone can read this channel.**" in card_of(result)
    assert await audit_channel(home) == home.general.id


@pytest.mark.parametrize(
    ("denied", "said"),
    [
        ({"view_channel": False}, "**View Channel** and **Send Messages**"),
        ({"send_messages": False}, "it lacks **Send Messages** there"),
    ],
    ids=["hidden", "read-only"],
)
async def test_a_channel_where_muster_cannot_post_is_refused_with_the_remedy(
    home: Home, denied: dict[str, bool], said: str
) -> None:
    bot = home.bot.user
    assert bot is not None
    closed = home.server.create_text_channel("closed", overwrites={bot: discord.PermissionOverwrite(**denied)})
    await home.env.settle()
    result = await home.officer.slash(home.general, "setup channels", audit=closed)
    assert said in home.refused(result)
    assert await audit_channel(home) is None


def sends(home: Home) -> int:
    """Count the messages that the bot has tried to post in the audit channel."""
    path = f"/channels/{home.audit.id}/messages"
    return sum(call.method == "POST" and call.path == path for call in home.env.http_requests)


async def test_a_channel_linked_to_guild_chat_is_refused_by_a_trial_post_that_says_why(home: Home) -> None:
    home.env.inject_error("POST", f"/channels/{home.audit.id}/messages", status=403, code=20062)
    result = await home.officer.slash(home.general, "setup channels", audit=home.audit)
    assert home.refused(result) == texts.guild_chat(home.audit.id)
    assert await audit_channel(home) is None


async def test_a_trial_post_that_arrives_leaves_nothing_behind(home: Home) -> None:
    await home.officer.slash(home.general, "setup channels", audit=home.audit)
    assert sends(home) == 1
    assert home.audit.history() == []


async def test_a_trial_post_that_could_not_be_taken_back_says_what_it_was_and_hinders_nothing(home: Home) -> None:
    home.env.inject_error("DELETE", f"/channels/{home.audit.id}/messages/*", status=403, code=50013)
    await home.officer.slash(home.general, "setup channels", audit=home.audit)
    assert [text_of(message) for message in home.audit.history()] == [texts.TRIAL]
    assert await audit_channel(home) == home.audit.id


async def test_what_only_the_trial_shows_is_told_with_the_remedy(home: Home) -> None:
    home.env.inject_error("POST", f"/channels/{home.audit.id}/messages", status=403, code=50013)
    result = await home.officer.slash(home.general, "setup channels", audit=home.audit)
    assert "Discord refused: Muster may not write in the channel." in home.refused(result)
    assert await audit_channel(home) is None


async def test_a_channel_is_not_refused_because_discord_broke_down(home: Home) -> None:
    home.env.inject_error("POST", f"/channels/{home.audit.id}/messages", status=503)
    result = await home.officer.slash(home.general, "setup channels", audit=home.audit)
    assert card_of(result) == common_texts.DISCORD_FAILED
    assert home.env.errors
    assert await audit_channel(home) is None


@pytest.mark.parametrize("command", ["channels", "check", "guild"])
async def test_only_officers_set_a_server_up(home: Home, command: str) -> None:
    options = {
        "channels": {"audit": home.general},
        "check": {},
        "guild": {"region": "eu", "realm": home.sample.guild.realm.slug, "guild": home.sample.guild.name},
    }[command]
    with pytest.raises(simcord.SetupError, match="not visible"):
        await home.plain.slash(home.general, f"setup {command}", **options)
    home.allow("setup", home.plain)
    assert "Only officers" in home.refused(await home.plain.slash(home.general, f"setup {command}", **options))
    view = await servers.view(home.services.ctx, home.server.id)
    assert (view.guild, view.audit_channel_id) == (None, None)


async def test_the_commands_are_not_offered_in_direct_messages(home: Home) -> None:
    with pytest.raises(simcord.SetupError):
        await home.officer.user.slash("setup check")
