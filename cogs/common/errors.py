"""The one error boundary of commands, controls and modals: the user always gets an answer, the log gets the cause."""

import functools
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import aiohttp
import discord
from discord import app_commands

from bot.services.trouble import database_trouble
from cogs.common import texts
from cogs.common.watch import UNKNOWN, Outcome, note_outcome, watch
from domain.errors import MusterError

log = logging.getLogger(__name__)

UNKNOWN_INTERACTION = 10062
ALREADY_ACKNOWLEDGED = 40060
CARD_GONE = frozenset({10008, 10015, 50027})
"""Discord's words for a message that its reader put away, and for a token that is over: unknown message, unknown
webhook, invalid webhook token."""
DISCORD_ERRORS = (discord.DiscordException, aiohttp.ClientError, OSError)
"""What a request to Discord ends with: its own answer, or none."""
BUSY = 429
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
    note_outcome(Outcome.ERROR if text is None else Outcome.REFUSED)
    if text is None and _is_beyond_answer(error):
        log.warning("no answer to %s was possible: %s", _describe(interaction), error)
        return
    if text is None and isinstance(error, discord.HTTPException) and error.code in CARD_GONE:
        log.warning("what %s was to show is not there any more: %s", _describe(interaction), error)
        text = texts.CARD_GONE
    if text is None and is_discords_fault(error):
        log.warning("Discord failed in %s: %s", _describe(interaction), error)
        text = texts.DISCORD_FAILED
    if text is None and (trouble := database_trouble(error)) is not None:
        # Not the whole error: SQLAlchemy's repeats the statement.
        log.error("the database failed in %s: %s", _describe(interaction), getattr(error, "orig", None) or error)
        text = trouble.text
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
    except (*DISCORD_ERRORS, RuntimeError) as error:
        # RuntimeError is aiohttp's word for a session that was closed, when Muster stops.
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


def is_discords_fault(error: BaseException) -> bool:
    """Tell whether Discord broke down, was too busy, or did not answer: nothing that Muster or the user did wrong."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or error.status == BUSY
    return isinstance(error, discord.RateLimited | aiohttp.ClientError)


def _is_beyond_answer(error: BaseException) -> bool:
    """Tell whether the interaction came too late to be answered, or another process has answered it."""
    return isinstance(error, discord.HTTPException) and error.code in {UNKNOWN_INTERACTION, ALREADY_ACKNOWLEDGED}


def log_error(error: BaseException, where: str) -> str:
    """Log an unexpected error once, with its traceback; give the id it is found by."""
    error_id = secrets.token_hex(4)
    log.error("error %s in %s", error_id, where, exc_info=error)
    return error_id


class MusterTree(app_commands.CommandTree[Any]):
    """A command tree that follows each interaction, and whose errors end at the boundary."""

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Let everything through, commands and autocomplete, and follow it from here on."""
        kind = "autocomplete" if interaction.type is discord.InteractionType.autocomplete else "command"
        watch(interaction, kind, interaction.command.qualified_name if interaction.command else UNKNOWN)
        return True

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answer what a command raised."""
        await answer_error(interaction, error)


def guard_autocomplete(callback: Callable[..., Awaitable[Choices[C]]]) -> Callable[..., Any]:
    """Offer nothing instead of failing: discord.py never hands an autocomplete's error to `on_error`."""

    @functools.wraps(callback)
    async def guarded(*args: Any) -> Choices[C]:
        try:
            return (await callback(*args))[:AUTOCOMPLETE_LIMIT]
        except Exception as error:
            *_, interaction, _typed = args
            await answer_error(interaction, error)
            return []

    return guarded


def _describe(interaction: discord.Interaction) -> str:
    data: Any = interaction.data or {}
    name = interaction.command.qualified_name if interaction.command else data.get("custom_id") or data.get("name")
    return f"{interaction.type.name} {name!r} (server {interaction.guild_id}, user {interaction.user.id})"
