"""`python -m tests.bench`: measure, on a PostgreSQL of its own in a temporary folder."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from db import migrate
from db.embedded import EmbeddedPostgres
from tests.bench import audit, companion, figures, identity, matching, process, profiles, roster, uploads


async def measure(url: str) -> list[figures.Figure]:
    """Measure every row of the table on one migrated database."""
    await migrate.upgrade(url)
    found: list[figures.Figure] = []
    # The process first: what the others leave in the database is not its to work on.
    for row in (process, roster, profiles, matching, identity, audit, uploads, companion):
        found += await row.measure(url)
    return found


def main() -> None:
    """Read the command line, measure, show."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Print figures and ratios of one run.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="muster-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's own user has to get through; its data stay closed
        with EmbeddedPostgres(Path(folder)) as postgres:
            found = asyncio.run(measure(postgres.url()))
    figures.show(found)
    if arguments.json:
        figures.write(found, arguments.json)


if __name__ == "__main__":
    main()
