"""What each rule detects: one query a rule, which gives subject_id, fingerprint and facts of all its subjects.

Parameters: server_id, guild_id (null: nothing is detected in a guild), now, and `off`, the rules that are switched off;
`rule_failed` takes failed_ids, failed_names and failed_versions.

The work of a query grows with the guild and not with its square, also on a database without statistics, where a join
may be planned as a loop over everything: what is asked of each subject is looked up by its whole key (see
`db.lookups`) or hashed (NOT IN over columns that are never null).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from db import detections_data, detections_links, detections_roles

DETECTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **detections_links.DETECTIONS,
        **detections_roles.DETECTIONS,
        **detections_data.DETECTIONS,
        "rule_failed": """
            SELECT id AS subject_id, version::text AS fingerprint, jsonb_build_object('name', name) AS facts
            FROM unnest(
                CAST(:failed_ids AS bigint[]), CAST(:failed_names AS text[]), CAST(:failed_versions AS integer[])
            ) AS failed (id, name, version)
        """,
    }
)
