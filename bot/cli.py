"""The command line: `muster run | demo | doctor | migrate`. Each command loads only what it needs."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bot.settings import Settings, SettingsError, describe_settings, read_settings

FAILED = 1
BAD_SETTINGS = 2
INTERRUPTED = 130

app = typer.Typer(
    name="muster",
    help="A Discord bot that keeps a World of Warcraft guild's roster, people and decisions in one place.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def run() -> None:
    """Run the bot, with settings from the environment or .env, until it is told to stop."""
    with _plain_failures():
        settings = _settings()
        from bot.app import run as serve  # noqa: PLC0415 (loads Discord)

        serve(settings)


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Play the evening, print a summary and end.")] = False,
    roster: Annotated[
        Path | None,
        typer.Option(help="A Battle.net guild roster (JSON) to play with."),
    ] = None,
) -> None:
    """Play a guild's first evening on this machine: no account, no network, no settings."""
    with _plain_failures():
        from sandbox.evening import play  # noqa: PLC0415 (the stand-ins belong to this command alone)

        code = play(once=once, roster=roster)
    raise typer.Exit(code)


@app.command()
def doctor() -> None:
    """Say what is set, what is missing, and whether database, Battle.net and Discord answer."""
    with _plain_failures():
        described = describe_settings()
        width = max(len(name) for name, _ in described)
        for name, shown in described:
            typer.echo(f"{name:<{width}}  {shown}")
        settings = _settings()
        from bot.doctor import examine  # noqa: PLC0415

        checks = examine(settings)
    typer.echo("")
    for check in checks:
        typer.echo(f"{'ok' if check.ok else 'MISSING':<8}{check.name}: {check.text}")
    if not settings.timers:
        typer.echo("note    timers are off: MUSTER_ENV is development")
    if not all(check.ok for check in checks):
        raise typer.Exit(FAILED)


@app.command()
def migrate() -> None:
    """Bring the database to the newest revision; nothing happens when it is there."""
    with _plain_failures():
        settings = _settings()
        from bot.database import bring_to_head, open_database  # noqa: PLC0415

        with open_database(settings) as url:
            before, after = asyncio.run(bring_to_head(url))
    typer.echo(f"database at {after}" if before == after else f"database migrated from {before or 'empty'} to {after}")


def _settings() -> Settings:
    from bot.logs import start_logging  # noqa: PLC0415

    settings = read_settings()
    start_logging(settings.log_level, settings.secrets(), as_json=settings.log_format == "json")
    return settings


@contextmanager
def _plain_failures() -> Iterator[None]:
    """Turn what a person can mend into one line and an exit code; everything else is a defect and stays loud."""
    from db.embedded import EmbeddedError  # noqa: PLC0415
    from domain.errors import MusterError  # noqa: PLC0415

    try:
        yield
    except SettingsError as error:
        _fail(str(error), BAD_SETTINGS)
    except (EmbeddedError, MusterError) as error:
        _fail(str(error), FAILED)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _fail(text: str, code: int) -> None:
    print(f"muster: {text}", file=sys.stderr)
    raise typer.Exit(code)
