"""The command line: `muster run | demo | doctor | migrate | match | import-sheet`. Each loads only what it needs."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

FAILED = 1
BAD_SETTINGS = 2
INTERRUPTED = 130
LARGEST_ID = 2**63 - 1

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
        from bot.settings import describe_settings  # noqa: PLC0415

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


@app.command()
def match(
    case: Annotated[Path, typer.Argument(help="A guild and a server (JSON).", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the outcome goes; - prints it.")],
) -> None:
    """Find who is who in a file, without a database or settings, to try Muster on an export."""
    from bot import casefile  # noqa: PLC0415
    from domain.errors import InvalidInput, MusterError  # noqa: PLC0415
    from domain.matching import match as find  # noqa: PLC0415

    start = time.perf_counter()
    to_screen = str(output) == "-"
    try:
        if not to_screen and case.exists() and output.exists() and case.samefile(output):
            raise InvalidInput(f"{output}: is the case itself; choose another file for the outcome")
        named = casefile.read(case)
        outcome = find(named.case)
        content = casefile.encode(casefile.answer(named, outcome))
        if to_screen:
            sys.stdout.buffer.write(content)
        else:
            casefile.write(output, content)
    except MusterError as error:
        _fail(str(error), FAILED)
    typer.echo(casefile.summary(named, outcome, time.perf_counter() - start), err=to_screen)


@app.command("import-sheet")
def import_sheet(
    *,
    server: Annotated[int, typer.Option(help="The Discord server's id.", min=1, max=LARGEST_ID)],
    characters: Annotated[Path, typer.Option(help="Columns Discord, Character, Class, Main/Alt, Realm (CSV).")],
    discord_ids: Annotated[Path, typer.Option(help="Columns Discord, DiscordID (CSV).")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Take links and mains from the guild's earlier spreadsheet; a second time changes nothing."""
    with _plain_failures():
        from bot import sheetfiles  # noqa: PLC0415

        settings = _settings()
        files = sheetfiles.read(characters, discord_ids)
        from bot.database import open_database  # noqa: PLC0415

        with open_database(settings) as url:
            imported = asyncio.run(sheetfiles.bring_in(settings, url, server, files, dry_run=dry_run))
    typer.echo(sheetfiles.report(files, imported))


def _settings() -> "Settings":
    from bot.logs import start_logging  # noqa: PLC0415
    from bot.settings import read_settings  # noqa: PLC0415

    settings = read_settings()
    start_logging(settings.log_level, settings.secrets(), as_json=settings.log_format == "json")
    return settings


@contextmanager
def _plain_failures() -> Iterator[None]:
    """Turn what a person can mend into one line and an exit code; everything else is a defect and stays loud."""
    from bot.settings import SettingsError  # noqa: PLC0415
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
