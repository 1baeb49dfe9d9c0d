"""Foreign words, fit to be used: names and texts come from people, servers and files, and could hold anything."""

_AROUND = " \t\r\n\"'`<>“”„‘’\u200b\u2060\ufeff"
"""What comes along when a text is copied out of a message: blanks seen and unseen, quotes, the < > around a link."""


def pasted(text: str) -> str:
    """Give a text as it was meant that somebody pasted."""
    return text.strip(_AROUND)


def printable(text: str) -> str:
    """Give a text as one line that controls no terminal and forges no line of a log."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
