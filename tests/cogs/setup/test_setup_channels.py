import discord
import pytest
import simcord

from bot.services import servers
from tests.cogs.home import Home, card_of


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
