"""`python -m muster_companion` is the command."""

import sys

from .cli import main

sys.exit(main())
