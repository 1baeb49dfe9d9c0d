"""The addon's code is clean by luacheck, which also knows every global that it may use."""

import subprocess

from tests.support.need import require
from tests.wow_addon.client import ADDON


def test_luacheck_finds_nothing_in_the_addon() -> None:
    luacheck = require("luacheck", "apt-get install lua-check")
    done = subprocess.run(
        [luacheck, "--no-color", "Muster"], cwd=ADDON.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
