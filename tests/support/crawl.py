"""Use whatever a bot offers somebody: press every control of every message, and fill in every form that it opens."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import simcord

from cogs.common.item import matching_items
from cogs.common.modals import matching_forms
from cogs.common.paginator import PageButton
from tests.support.tree import BUTTON, Filler, answers_of, can_be_used, choices_of, components_of

PRESSES = 12
"""How often controls of one template are used at most."""

Offer = tuple[Any, dict[str, Any], list[Any]]
"""A message, a control of it, and what is chosen in it."""


@dataclass
class Crawl:
    """What somebody has found and used so far; `reached` are the templates of controls and forms."""

    actor: simcord.MemberActor
    filler: Filler
    messages: dict[int, Any] = field(default_factory=dict)
    reached: Counter[str] = field(default_factory=Counter)
    _used: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def presses(self) -> int:
        """Count the acts so far."""
        return len(self._used)

    def found(self, *messages: Any) -> None:
        """Take messages in; what they offer is used by `run`."""
        self.messages |= {message.id: message for message in messages if message is not None}

    async def take(self, result: simcord.InteractionResult) -> None:
        """Take in what an act was answered with, and fill in a form that it opened."""
        self.found(result.response, *result.followups)
        if result.modal is not None:
            self.reached.update(route.template.pattern for route, _ in matching_forms(result.modal["custom_id"]))
            await self.take(await self.actor.submit_modal(result, answers_of(result.modal, self.filler)))

    async def run(self) -> None:
        """Use all that is offered until nothing new comes; messages are read anew after each act."""
        while (offer := self._next()) is not None:
            message, component, chosen = offer
            custom_id = component["custom_id"]
            if component["type"] == BUTTON:
                result = await self.actor.click(message, custom_id=custom_id)
            else:
                result = await self.actor.select(message, chosen, custom_id=custom_id)
            await self.take(result)

    def _next(self) -> Offer | None:
        """Choose what was used least; of several a page first, since turning to one takes nothing else away."""
        offers = list(self._offers())
        if not offers:
            return None
        offer = min(offers, key=lambda offer: (self._uses(offer), not _is_page(offer)))
        self._used.add(_act(offer))
        self.reached.update(_templates(offer))
        return offer

    def _offers(self) -> Iterator[Offer]:
        for message in self.messages.values():
            for component in filter(can_be_used, components_of(message)):
                for chosen in self._choices(component):
                    offer = message, component, chosen
                    if _act(offer) not in self._used and self._uses(offer) < PRESSES:
                        yield offer

    def _uses(self, offer: Offer) -> int:
        return max((self.reached[template] for template in _templates(offer)), default=0)

    def _choices(self, component: dict[str, Any]) -> Iterable[list[Any]]:
        if component["type"] == BUTTON:
            return [[]]
        if component.get("max_values", 1) == 1 and "options" in component:
            return [[option["value"]] for option in component["options"]]
        return [choices_of(component, self.filler)]


def _id(component: dict[str, Any]) -> str:
    return str(component["custom_id"])


def _act(offer: Offer) -> tuple[str, ...]:
    _, component, chosen = offer
    return (_id(component), *map(str, chosen))


def _templates(offer: Offer) -> list[str]:
    return [item.__discord_ui_compiled_template__.pattern for item in matching_items(_id(offer[1]))]


def _is_page(offer: Offer) -> bool:
    return any(issubclass(item, PageButton) for item in matching_items(_id(offer[1])))
