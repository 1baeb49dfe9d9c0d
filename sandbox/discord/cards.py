"""A message as plain lines, for a terminal and for assertions."""

from collections.abc import Iterator, Mapping
from typing import Any

from simcord.components import walk_components

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
ENTITY_SELECTS = {5: "user", 6: "role", 7: "user or role", 8: "channel"}
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
RULE = "────────"
SHOWS_COMPONENTS_ONLY = 1 << 15
"""The flag of a message whose files show where a component names them, and nowhere else."""


def plain_text(message: Mapping[str, Any]) -> list[str]:
    """Render a message or modal payload: text as it is, buttons as `[ Label ]`, selects as `[ Placeholder ▾ ]`."""
    lines: list[str] = []
    if message.get("title"):
        lines.append(f"# {message['title']}")
    lines += (message.get("content") or "").splitlines()
    for embed in message.get("embeds") or ():
        lines += _embed(embed)
    for component in message.get("components") or ():
        lines += _component(component)
    if not (message.get("flags") or 0) & SHOWS_COMPONENTS_ONLY:
        lines += [f"[file: {file['filename']}]" for file in message.get("attachments") or ()]
    return lines


def accent(message: Mapping[str, Any]) -> int | None:
    """Return the colour of the first container or embed that has one, as 0xRRGGBB."""
    for component in message.get("components") or ():
        if component.get("accent_color") is not None:
            return int(component["accent_color"])
    return next((int(embed["color"]) for embed in message.get("embeds") or () if embed.get("color") is not None), None)


def buttons(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the buttons of a message, in order."""
    return [one for one in walk_components(message.get("components") or ()) if one["type"] == BUTTON]


def sections(message: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the text of each section of a message with the control beside it."""
    return [
        (one["components"][0]["content"], one["accessory"])
        for one in walk_components(message.get("components") or ())
        if one["type"] == SECTION
    ]


def _embed(embed: Mapping[str, Any]) -> Iterator[str]:
    if embed.get("author"):
        yield embed["author"]["name"]
    if embed.get("title"):
        yield f"## {embed['title']}"
    yield from (embed.get("description") or "").splitlines()
    for field in embed.get("fields") or ():
        first, *rest = field["value"].splitlines() or [""]
        yield f"{field['name']}: {first}"
        yield from rest
    if embed.get("footer"):
        yield f"-# {embed['footer']['text']}"


def _component(component: Mapping[str, Any]) -> Iterator[str]:
    kind = component["type"]
    if kind == CONTAINER:
        for child in component["components"]:
            yield from _component(child)
    elif kind == SECTION:
        *texts, last = [line for child in component["components"] for line in _component(child)] or [""]
        yield from texts
        yield f"{last}  {_control(component['accessory'])}"
    elif kind == TEXT:
        yield from component["content"].splitlines()
    elif kind == SEPARATOR:
        yield RULE if component.get("divider", True) else ""
    elif kind == ROW:
        yield "  ".join(_control(child) for child in component["components"])
    elif kind == GALLERY:
        yield from (f"[picture: {item.get('description') or ''}]" for item in component["items"])
    elif kind == LABEL:
        yield f"{component['label']}  {_control(component['component'])}"
        yield from (component.get("description") or "").splitlines()
    else:
        yield _control(component)


def _control(component: Mapping[str, Any]) -> str:
    kind = component["type"]
    if kind == BUTTON:
        emoji = (component.get("emoji") or {}).get("name")
        name = " ".join(part for part in (emoji, component.get("label")) if part)
        arrow = " ↗" if component.get("url") else ""
        return f"[ {name}{arrow} ]" + (" (disabled)" if component.get("disabled") else "")
    if kind == STRING_SELECT or kind in ENTITY_SELECTS:
        unsaid = f"Choose a {ENTITY_SELECTS[kind]}" if kind in ENTITY_SELECTS else "Choose"
        return f"[ {_chosen(component) or component.get('placeholder') or unsaid} ▾ ]"
    if kind == TEXT_INPUT:
        name = f"{component['label']}  " if component.get("label") else ""
        return f"{name}[ {component.get('value') or component.get('placeholder') or '…'} ]"
    if kind == THUMBNAIL:
        return f"[picture: {component.get('description') or ''}]"
    if kind == FILE:
        return f"[file: {component.get('name') or component['file']['url']}]"
    return f"[ {component.get('label') or component.get('custom_id') or kind} ]"


def _chosen(select: Mapping[str, Any]) -> str:
    return ", ".join(option["label"] for option in select.get("options") or () if option.get("default"))
