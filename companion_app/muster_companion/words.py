"""Foreign words, fit to be shown: names and texts come from the server and from files, and could hold anything."""


def printable(text: str) -> str:
    """Give a text as one line that controls no terminal and forges no line of a log."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
