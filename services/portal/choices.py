"""A choice among many: what was looked for, what that finds, and what is chosen already.

What fits on one page is a plain choice. Of more, a page shows the first, with a search field beside them. The field is
part of the form, and searching sends the form where it goes anyway: by HTMX while somebody types, by the button beside
the field without scripts. What is chosen stays in the list, whether the search finds it or not: what a form does not
show, it would take away (decision 0095).
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from services.portal.answers import Client, ProjectCard
from services.portal.clients.answers import Contact
from services.portal.formats import day
from services.portal.forms import FIND, SOUGHT, Form
from services.portal.ids import read_id
from services.portal.letters import folded
from services.portal.people.answers import Person
from services.portal.services import ServiceProblem, Services
from shared.language import gettext as _
from shared.pagination import MAX_LIMIT
from shared.pagination import Page as Listing
from shared.texts import isolated

MOST = 20
"""As many as one reads; more are found by typing."""


class Named(Protocol):
    """What can be chosen."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class Choice(msgspec.Struct, Generic[T], frozen=True):
    """What a form offers for `field`: what is chosen, and what the search for `q` finds; `more` if that is not all."""

    field: str
    q: str
    items: list[T]
    more: bool

    @property
    def is_searched(self) -> bool:
        """Whether there is more to choose from than the page shows."""
        return self.more or bool(self.q)

    def options(self, first: str) -> list[tuple[str, str]]:
        """Values and words of the items; `first` stands for no value, if it is not empty."""
        return [*([("", first)] if first else []), *((str(each.id), each.name) for each in self.items)]

    def only(self, meant: Callable[[T], bool]) -> "Choice[T]":
        """The same without the items that are not meant."""
        return Choice(self.field, self.q, [each for each in self.items if meant(each)], self.more)


def is_search(data: Mapping[str, str]) -> bool:
    """Whether a form was sent to look for something: by its button, or with a text that nobody has looked for yet."""
    fields = [name.removeprefix(FIND) for name in data if name.startswith(FIND)]
    typed = {field: (data[FIND + field].strip(), data.get(SOUGHT + field, "").strip()) for field in fields}
    return "find" in data or any(text != sought for text, sought in typed.values())


async def clients(services: Services, form: Form, field: str = "client_id") -> Choice[Client]:
    """The active clients by name."""
    found = services.identity.get("clients", Listing[Client], q=form.values[FIND + field], active="true", limit=MOST)
    choice = await _one(form, field, found, lambda chosen: services.identity.get(f"clients/{chosen}", Client))
    return replace(choice, items=told_apart(choice.items))


def told_apart(clients: Sequence[Client]) -> list[Client]:
    """The same clients; those of one name say since when they are clients."""
    names = Counter(folded(each.name) for each in clients)
    return [
        replace(each, name=_("{name}, client since {day}", name=isolated(each.name), day=day(each.created_at)))
        if each.created_at and names[folded(each.name)] > 1
        else each
        for each in clients
    ]


async def contacts(services: Services, client_id: UUID, form: Form, field: str = "user_id") -> Choice[Contact]:
    """A client's contacts by name who are active and have an address."""
    path, q = f"clients/{client_id}/contacts", form.values[FIND + field]
    found = services.identity.get(path, Listing[Contact], q=q, reachable="true", limit=MOST)
    return await _one(form, field, found, lambda chosen: services.identity.get(f"contacts/{chosen}", Contact))


async def colleagues(services: Services, form: Form, field: str = "colleague") -> Choice[Person]:
    """The company's active staff by name."""
    q = form.values[FIND + field]
    found = services.identity.get("people", Listing[Person], q=q, kind="staff", active="true", limit=MOST)
    choice = await _one(form, field, found, lambda chosen: services.identity.get(f"people/{chosen}", Person))
    return choice.only(lambda person: person.is_staff and person.active)


async def _one(form: Form, field: str, found: Awaitable[Listing[T]], get: Callable[[UUID], Awaitable[T]]) -> Choice[T]:
    """A choice of one. What is chosen comes first where the search does not find it; what is gone is left out."""
    listed, chosen = await found, read_id(form.values[field])
    items = list(listed.items)
    if chosen and all(each.id != chosen for each in items):
        try:
            items.insert(0, await get(chosen))
        except ServiceProblem as problem:
            if problem.status != 404:
                raise
    return Choice(field, form.values[FIND + field], items, bool(listed.next_cursor))


async def projects(
    services: Services, client_id: UUID | None, field: str, q: str = "", chosen: Iterable[UUID] = ()
) -> Choice[ProjectCard]:
    """The projects of a client, or of all: by client those chosen, then the newest that are found, by name."""
    found = await services.projects.get("projects", Listing[ProjectCard], client_id=client_id, q=q, limit=MOST)
    kept = set(chosen)
    items = [*found.items, *await named(services, kept - {each.id for each in found.items})]

    def place(card: ProjectCard) -> tuple[str, bool, str, UUID]:
        return folded(card.client_name or ""), card.id not in kept, folded(card.name), card.id

    return Choice(field, q, sorted(items, key=place), bool(found.next_cursor))


async def named(services: Services, ids: Iterable[UUID]) -> list[ProjectCard]:
    """These projects, as far as the reader may see them."""
    wanted, found = sorted(set(ids)), list[ProjectCard]()
    for begin in range(0, len(wanted), MAX_LIMIT):
        part = wanted[begin : begin + MAX_LIMIT]
        found += (await services.projects.get("projects", Listing[ProjectCard], id=part, limit=MAX_LIMIT)).items
    return found
