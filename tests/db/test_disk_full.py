"""A full disk, made by a device that is always full in the place of one file: the error names the disk and heals."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.embedded import EmbeddedError, EmbeddedPostgres


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """Give a server that was started and stopped once."""
    with tempfile.TemporaryDirectory(prefix="muster-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's own user has to get through
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        server.stop()
        yield server
        server.stop()


def test_a_start_on_a_full_disk_says_so_and_works_once_there_is_room(server: EmbeddedPostgres) -> None:
    written_at_start = server.data_dir / "cluster" / "postmaster.opts"
    written_at_start.unlink()
    written_at_start.symlink_to(Path("/dev/full"))
    with pytest.raises(EmbeddedError, match=r"disk that holds .* is full; make room on it and start Muster again"):
        server.start()
    written_at_start.unlink()
    assert server.start() == server.url()
