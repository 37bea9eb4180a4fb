"""Published events: each module has those of one service. Within a version they change only by adding."""

from collections.abc import Mapping
from importlib import import_module
from inspect import isclass
from pkgutil import iter_modules

from shared.events import AnyEvent, EventData, publisher_of, source_of

EVENTS: Mapping[str, type[EventData]] = {
    kind.type: kind
    for module in sorted(module.name for module in iter_modules(__path__))
    for kind in vars(import_module(f"{__name__}.{module}")).values()
    if isclass(kind) and issubclass(kind, EventData) and "type" in vars(kind)
}
"""Every published event by its type. Those of one module are in the order in which they are written there."""
TOLD = [kind for kind in EVENTS.values() if kind.told]
"""Those that a client reads in the feed."""


def subjects_of(kind: type[EventData]) -> list[str]:
    """What events of this kind are published under, and what they were before."""
    return [each for each in (kind.subject, kind.formerly) if each]


def comes_from(event: AnyEvent, publisher: str) -> bool:
    """Whether `publisher` may say this: it is the event's source, and the type is, or was, no other service's."""
    known = EVENTS.get(event.type)
    theirs = known is None or publisher in map(publisher_of, subjects_of(known))
    return event.source == source_of(publisher) and theirs
