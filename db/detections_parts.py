"""What the detections of several rules have in common: pieces of SQL with the parameters server_id and guild_id."""

from db.lookups import in_guild, members_of, present

RANK_NAME = """
    LEFT JOIN guild_identity.guild_ranks AS named
        ON (named.server_id, named.guild_id, named.rank_index) = (:server_id, :guild_id, membership.rank)
"""
"""The server's name for the rank of `membership`."""

CHARACTERS = f"""
    FROM common.guild_memberships AS membership
    JOIN common.wow_characters AS c ON c.id = membership.character_id
    {RANK_NAME}
    WHERE membership.guild_id = :guild_id AND membership.left_at IS NULL
"""
"""Each character in the guild."""

OF_CHARACTER = """
    'name', c.name, 'realm', coalesce(c.realm_name, c.realm_slug), 'rank', membership.rank, 'rank_name', named.name
"""
"""The facts of every finding about a character."""

SHOWN_NAME = "coalesce(member.nick, member.global_name, member.username)"
"""The name of `member` that others see."""

LINKED = f"""
    FROM guild_identity.player_characters AS owned
    CROSS JOIN {in_guild("owned.character_id")} AS membership
    CROSS JOIN {members_of("owned.player_id")} AS attached
    CROSS JOIN {present("attached.user_id")} AS member
    WHERE owned.server_id = :server_id
"""
"""Each character in the guild with each present member of its player."""

MAPPED_ROLES = """
    SELECT mapped.role_id FROM guild_identity.guild_ranks AS mapped
    WHERE mapped.server_id = :server_id AND mapped.guild_id = :guild_id AND mapped.role_id IS NOT NULL
"""


def user_ids(player_id: str) -> str:
    """Give SQL for the members of a player, present or not, as an array."""
    return f"ARRAY(SELECT its.user_id FROM {members_of(player_id)} AS its ORDER BY its.user_id)"  # noqa: S608


def switched_off(rule: str) -> str:
    """Give SQL that tells whether a rule is off, so that another one must not leave to it what both would say."""
    return f"'{rule}' = ANY (CAST(:off AS text[]))"
