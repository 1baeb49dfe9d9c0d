"""Everything that an audit finds, rule by rule: what brings it about, each way in which it ends, what makes it new."""

from tests.support import causes_data, causes_links
from tests.support.changes import Cause

CAUSES: tuple[Cause, ...] = causes_links.CAUSES + causes_data.CAUSES
"""Every rule's but that about failed rules: what a server's own people and data can do."""
