"""What a run is: the reading of one source, from start to end."""

from enum import StrEnum


class RunSource(StrEnum):
    """Name what a run reads."""

    BLIZZARD_API = "blizzard_api"
    BLIZZARD_PROFILES = "blizzard_profiles"
    DISCORD_BOT = "discord_bot"
    ADDON_UPLOAD = "addon_upload"
    CRAFTING_SYNC = "crafting_sync"
    STATIC_DATA = "static_data"


class RunStatus(StrEnum):
    """Name how a run stands; only a success or a partial run is a good one."""

    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    ERROR = "error"


class Trigger(StrEnum):
    """Name what started a run."""

    TIMER = "timer"
    COMMAND = "command"
    UPLOAD = "upload"
