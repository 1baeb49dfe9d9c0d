"""A modal filled in by a user: from what the bot showed and the values to what Discord sends back."""

from collections.abc import Iterator, Mapping
from typing import Any

from simcord.backend.errors import SetupError
from simcord.enums import SELECT_TYPES, ComponentType

from sandbox.discord.options import Resolver, picked

_CHOICES = (ComponentType.CHECKBOX_GROUP, ComponentType.RADIO_GROUP)


def fill(modal: Mapping[str, Any], values: Mapping[str, Any], resolver: Resolver) -> dict[str, Any]:
    """Build the data of a modal's submission; values are keyed by a control's custom_id or its label.

    Raises SetupError for a key that no control has and a value that a user could not have entered.
    """
    left = dict(values)
    components = [_submitted(node, left, resolver) for node in modal["components"]]
    if left:
        there = [f"{control['custom_id']} ({label})" for control, label in _controls(modal["components"])]
        raise SetupError(f"the modal has no {sorted(left)}; it has {there}")
    data: dict[str, Any] = {"custom_id": modal["custom_id"], "components": components}
    if resolver.block:
        data["resolved"] = resolver.block
    return data


def _controls(nodes: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    for node in nodes:
        for child in [node["component"]] if "component" in node else node.get("components", ()):
            yield child, node.get("label") or child.get("label", "")


def _submitted(node: dict[str, Any], left: dict[str, Any], resolver: Resolver) -> dict[str, Any]:
    shell = {"type": node["type"], "id": node["id"]}
    if node["type"] == ComponentType.TEXT_DISPLAY:
        return shell
    answers = [_answer(child, label, left, resolver) for child, label in _controls([node])]
    return {**shell, "component": answers[0]} if "component" in node else {**shell, "components": answers}


def _answer(control: dict[str, Any], label: str, left: dict[str, Any], resolver: Resolver) -> dict[str, Any]:
    custom_id, kind = control["custom_id"], control["type"]
    entered = left.pop(custom_id, left.pop(label, None))
    answer: dict[str, Any] = {"type": kind, "id": control.get("id"), "custom_id": custom_id}
    # Entity selects are optional in a modal unless they say otherwise; the rest is required.
    needed_unsaid = kind in (ComponentType.TEXT_INPUT, ComponentType.STRING_SELECT)
    required = control.get("required", needed_unsaid)
    if required and entered in (None, "", []) and not control.get("value"):
        raise SetupError(f"the modal's {label or custom_id!r} is required")
    if kind == ComponentType.TEXT_INPUT:
        return {**answer, "value": _text(control, entered if entered is not None else control.get("value") or "")}
    if kind in SELECT_TYPES:
        return {**answer, "values": picked(control, entered or (), resolver, optional=not required)}
    if kind == ComponentType.CHECKBOX:
        return {**answer, "value": bool(control.get("default") if entered is None else entered)}
    if kind in _CHOICES:
        return {**answer, **_choice(control, entered)}
    raise SetupError(f"the stand-in cannot fill a modal control of type {kind}")


def _text(control: dict[str, Any], text: Any) -> str:
    if not isinstance(text, str):
        raise SetupError(f"text input {control['custom_id']!r} expects a string, got {text!r}")
    least, most = control.get("min_length") or 0, control.get("max_length") or 4_000
    if text and not least <= len(text) <= most:
        raise SetupError(f"text input {control['custom_id']!r} takes {least} to {most} characters, got {len(text)}")
    return text


def _choice(control: dict[str, Any], entered: Any) -> dict[str, Any]:
    offered = [option["value"] for option in control.get("options") or ()]
    single = control["type"] == ComponentType.RADIO_GROUP
    chosen = ([] if entered is None else [entered]) if single else list(entered or ())
    for value in chosen:
        if value not in offered:
            raise SetupError(f"{control['custom_id']!r} does not offer {value!r}; it offers {offered}")
    return {"value": entered} if single else {"values": chosen}
