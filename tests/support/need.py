"""What a test needs and a machine may lack: said aloud, and a failure where everything must be there."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]


def not_run(reason: str) -> NoReturn:
    """Skip the test with its reason, or fail it when MUSTER_REQUIRE_ALL=1."""
    if os.environ.get("MUSTER_REQUIRE_ALL") == "1":
        pytest.fail(f"not run: {reason}")
    pytest.skip(f"not run: {reason}")


def require(tool: str, install_line: str) -> Path:
    """Give the path of a program, or report the test as not run with the line that installs it."""
    found = shutil.which(tool)
    if found is None:
        not_run(f"{tool} is missing; install it with: {install_line}")
    return Path(found)


def shared_folder() -> Path:
    """Give the folder of real data (MUSTER_SHARED, or `shared` beside the checkout), or report the test as not run."""
    given = os.environ.get("MUSTER_SHARED")
    folder = Path(given) if given else ROOT.parent / "shared"
    if not folder.is_dir():
        not_run(f"the folder of real data is not at {folder}; set MUSTER_SHARED")
    return folder
