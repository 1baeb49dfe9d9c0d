"""What is looked up by key for each row of another table: pieces of SQL with the parameters server_id and guild_id.

OFFSET 0 keeps each a look-up: while PostgreSQL takes tables for nearly empty, because it has no statistics of a guild
that has just come, it plans a join of whole guilds as a loop over their square. And the server comes from a SELECT of
its own, so that nothing is concluded from its number, of which there may have been no row: else one is looked up by the
server alone, whichever index has that, and not by the whole key. What is assumed instead is revision 0008's.
"""

from typing import Final

SERVER: Final = "(SELECT CAST(:server_id AS bigint))"
GUILD: Final = "(SELECT CAST(:guild_id AS bigint))"


def character(character_id: str) -> str:
    """Give SQL for a character."""
    return _look_up("its.*", "common.wow_characters", f"its.id = {character_id}")


def in_guild(character_id: str) -> str:
    """Give SQL for the membership of a character in the guild: its id and rank."""
    key = f"its.guild_id = {GUILD} AND its.character_id = {character_id} AND its.left_at IS NULL"
    return _look_up("its.id, its.rank", "common.guild_memberships", key)


def present(user_id: str) -> str:
    """Give SQL for a member, while in the server."""
    key = f"its.server_id = {SERVER} AND its.user_id = {user_id} AND its.left_at IS NULL"
    return _look_up("its.*", "guild_identity.discord_users", key)


def owner_of(character_id: str) -> str:
    """Give SQL for the half of a link that says whose a character is."""
    return _half("characters", f"its.character_id = {character_id}")


def player_of(user_id: str) -> str:
    """Give SQL for the half of a link that says which player a member is."""
    return _half("members", f"its.user_id = {user_id}")


def characters_of(player_id: str) -> str:
    """Give SQL for the halves of links that say which characters a player has."""
    return _half("characters", f"its.player_id = {player_id}")


def members_of(player_id: str) -> str:
    """Give SQL for the halves of links that say which members a player is, present or not."""
    return _half("members", f"its.player_id = {player_id}")


def override_of(player_id: str) -> str:
    """Give SQL for an officer's word about a player's rank, ended or not."""
    key = f"its.server_id = {SERVER} AND its.player_id = {player_id}"
    return _look_up("its.rank_index, its.set_by, its.ends_at", "guild_identity.rank_overrides", key)


def _half(of: str, key: str) -> str:
    return _look_up("its.*", f"guild_identity.player_{of}", f"its.server_id = {SERVER} AND {key}")


def _look_up(columns: str, table: str, condition: str) -> str:
    return f"LATERAL (SELECT {columns} FROM {table} AS its WHERE {condition} OFFSET 0)"  # noqa: S608 (names of ours)
