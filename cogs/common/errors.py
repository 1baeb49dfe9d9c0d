"""The one error boundary of commands, controls and modals: the user always gets an answer, the log gets the cause."""

import functools
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import aiohttp
import discord
from discord import app_commands

from cogs.common import texts
from domain.errors import MusterError

log = logging.getLogger(__name__)

ALREADY_ACKNOWLEDGED = 40060
DISCORD_ERRORS = (discord.DiscordException, aiohttp.ClientError, OSError)
"""What a request to Discord ends with: its own answer, or none."""
AUTOCOMPLETE_LIMIT = 25
_EXTRA = "muster_answer"
# The first that fits speaks: CheckFailure is the base of the others.
_KNOWN: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (MusterError, lambda error: error.text),
    (app_commands.CommandNotFound, lambda _: texts.COMMANDS_UPDATED),
    (app_commands.CommandSignatureMismatch, lambda _: texts.COMMANDS_UPDATED),
    (app_commands.TransformerError, lambda _: texts.BAD_VALUE),
    (app_commands.NoPrivateMessage, lambda _: texts.SERVER_ONLY),
    (app_commands.MissingPermissions, lambda error: texts.missing_permissions(error.missing_permissions)),
    (app_commands.BotMissingPermissions, lambda error: texts.bot_missing_permissions(error.missing_permissions)),
    (app_commands.CommandOnCooldown, lambda error: texts.cooldown(error.retry_after)),
    (app_commands.CheckFailure, lambda _: texts.NOT_ALLOWED),
)

C = TypeVar("C", str, int, float)
Choices = list[app_commands.Choice[C]]


class AnswerSink(Protocol):
    """Take an error's text in place of a new message: a progress line turns into it."""

    async def take(self, text: str) -> bool:
        """Show the text; False if it could not."""


def divert_answers(interaction: discord.Interaction, sink: AnswerSink | None) -> None:
    """Send later error texts of this interaction to the sink; None undoes it."""
    interaction.extras[_EXTRA] = sink


async def answer_error(interaction: discord.Interaction, error: BaseException) -> None:
    """Answer with a domain error's own text, or with an error id that is in the log too; never raise."""
    error = unwrap(error)
    text = known_text(error)
    if text is None:
        text = texts.unexpected(log_error(error, _describe(interaction)))
    if interaction.type is discord.InteractionType.autocomplete:
        return
    sink: AnswerSink | None = interaction.extras.get(_EXTRA)
    if sink is not None and await sink.take(text):
        return
    await answer(interaction, text)


async def answer(interaction: discord.Interaction, text: str) -> None:
    """Say something to the one who acted, whatever was answered before; an expired token is only logged."""
    try:
        if not interaction.response.is_done():
            try:
                await interaction.response.send_message(
                    text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
                )
            except discord.HTTPException as error:
                if error.code != ALREADY_ACKNOWLEDGED:
                    raise
            else:
                return
        await interaction.followup.send(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())
    except DISCORD_ERRORS as error:
        log.warning("no answer to %s was possible: %s", _describe(interaction), error)


def unwrap(error: BaseException) -> BaseException:
    """Give the cause that discord.py wrapped."""
    if isinstance(error, app_commands.CommandInvokeError):
        return unwrap(error.original)
    if isinstance(error, app_commands.TransformerError) and error.__cause__ is not None:
        return unwrap(error.__cause__)
    return error


def known_text(error: BaseException) -> str | None:
    """Give the text of an error that is the user's to solve; None for a fault of ours."""
    return next((tell(error) for kind, tell in _KNOWN if isinstance(error, kind)), None)


def log_error(error: BaseException, where: str) -> str:
    """Log an unexpected error once, with its traceback; give the id it is found by."""
    error_id = secrets.token_hex(4)
    log.error("error %s in %s", error_id, where, exc_info=error)
    return error_id


class MusterTree(app_commands.CommandTree[Any]):
    """A command tree whose errors end at the boundary."""

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answer what a command raised."""
        await answer_error(interaction, error)


def guard_autocomplete(callback: Callable[..., Awaitable[Choices[C]]]) -> Callable[..., Any]:
    """Offer nothing instead of failing: discord.py never hands an autocomplete's error to `on_error`."""

    @functools.wraps(callback)
    async def guarded(*args: Any) -> Choices[C]:
        try:
            return (await callback(*args))[:AUTOCOMPLETE_LIMIT]
        except MusterError:
            return []
        except Exception as error:
            log_error(error, f"autocomplete {callback.__qualname__}")
            return []

    return guarded


def _describe(interaction: discord.Interaction) -> str:
    data: Any = interaction.data or {}
    name = interaction.command.qualified_name if interaction.command else data.get("custom_id") or data.get("name")
    return f"{interaction.type.name} {name!r} (server {interaction.guild_id}, user {interaction.user.id})"
