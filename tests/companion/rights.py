"""Be somebody who may not read what others have closed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def few_rights() -> Iterator[None]:
    """Be nobody for a while, where the tests run as root: root may read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
