"""What may import what, and what an import may load."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def loaded_by(module: str) -> set[str]:
    """Import a package with all its modules, or one module, in a fresh process; give the top-level names it loads."""
    code = f"""
import importlib, pkgutil, sys
found = importlib.import_module({module!r})
for part in pkgutil.walk_packages(getattr(found, "__path__", []), {module + "."!r}):
    importlib.import_module(part.name)
print(*{{name.partition(".")[0] for name in sys.modules}})
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_import_contracts_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_domain_loads_neither_discord_nor_sqlalchemy() -> None:
    loaded = loaded_by("domain")
    assert "domain" in loaded
    assert not loaded & {"discord", "sqlalchemy", "asyncpg", "httpx", "aiohttp", "db", "bot", "cogs"}


def test_the_tables_and_services_load_no_discord() -> None:
    assert "discord" not in loaded_by("db") | loaded_by("bot.services")


@pytest.mark.parametrize("module", ["bot.app", "bot.cli", "bot.database", "db"])
def test_the_process_loads_neither_alembic_nor_matplotlib_nor_the_sandbox(module: str) -> None:
    assert not loaded_by(module) & {"alembic", "matplotlib", "sandbox", "simcord"}


def test_the_command_line_loads_no_discord_and_no_database_to_explain_itself() -> None:
    assert not loaded_by("bot.cli") & {"discord", "asyncpg"}


def test_the_sandbox_loads_no_product_package() -> None:
    assert not loaded_by("sandbox") & {"domain", "db", "bot", "cogs", "web_embed", "migrations"}
