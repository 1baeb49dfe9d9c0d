"""What the detections of several rules have in common: pieces of SQL with the parameters server_id and guild_id."""

from db.ranks import IN_GUILD, PRESENT

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
    CROSS JOIN {IN_GUILD} AS membership
    CROSS JOIN LATERAL (
        SELECT half.user_id FROM guild_identity.player_members AS half
        WHERE half.server_id = :server_id AND half.player_id = owned.player_id
        OFFSET 0
    ) AS attached
    CROSS JOIN {PRESENT} AS member
    WHERE owned.server_id = :server_id
"""  # noqa: S608 (pieces of SQL of ours)
"""Each character in the guild with each present member of its player."""

MAPPED_ROLES = """
    SELECT mapped.role_id FROM guild_identity.guild_ranks AS mapped
    WHERE mapped.server_id = :server_id AND mapped.guild_id = :guild_id AND mapped.role_id IS NOT NULL
"""


def members_of(player_id: str) -> str:
    """Give SQL for the members of a player, present or not, as an array."""
    return f"""ARRAY(
        SELECT its.user_id FROM guild_identity.player_members AS its
        WHERE its.server_id = :server_id AND its.player_id = {player_id}
        ORDER BY its.user_id
    )"""  # noqa: S608 (a name of ours)


def owner_of(row: str) -> str:
    """Give SQL for the half that says whose a row's character is, looked up by key."""
    return f"""LATERAL (
        SELECT its.player_id, its.source FROM guild_identity.player_characters AS its
        WHERE its.server_id = :server_id AND its.character_id = {row}.character_id
        OFFSET 0
    )"""  # noqa: S608 (a name of ours)


def player_of(row: str) -> str:
    """Give SQL for the half that says which player a row's member is, looked up by key."""
    return f"""LATERAL (
        SELECT its.player_id FROM guild_identity.player_members AS its
        WHERE its.server_id = :server_id AND its.user_id = {row}.user_id
        OFFSET 0
    )"""  # noqa: S608 (a name of ours)


def characters_of(row: str) -> str:
    """Give SQL for the characters of a row's player, looked up by key."""
    return f"""LATERAL (
        SELECT its.character_id FROM guild_identity.player_characters AS its
        WHERE its.server_id = :server_id AND its.player_id = {row}.player_id
        OFFSET 0
    )"""  # noqa: S608 (a name of ours)


def switched_off(rule: str) -> str:
    """Give SQL that tells whether a rule is off, so that another one must not leave to it what both would say."""
    return f"'{rule}' = ANY (CAST(:off AS text[]))"
