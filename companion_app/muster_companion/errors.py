"""What can foreseeably go wrong, in words for the player."""


class CompanionError(Exception):
    """Say in one line what is wrong and what to do; never a key."""
