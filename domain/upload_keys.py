"""What a key of somebody who uploads from the game looks like."""

import re
from typing import Final

KEY_NAME_LIMIT: Final = 40
KEYS_LIMIT: Final = 25
"""Keys of a server that are in force: as many as a choice on Discord can offer."""
KEY: Final = re.compile(r"muster_(?P<public_id>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})")
"""A whole key: a part that names it and may be seen, and the secret."""
KEY_LIKE: Final = re.compile(r"(?P<public>muster_[0-9a-f]{12}_)[0-9a-f]+", re.IGNORECASE)
"""A key anywhere in a text, also one that was cut off or mistyped."""
