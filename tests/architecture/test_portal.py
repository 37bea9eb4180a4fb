"""The portal's pages lie where their address says: the first segment of a URL is a folder of `services/portal`."""

import ast
from importlib import import_module

from litestar.routes import HTTPRoute

from services.portal.areas import AREAS
from tests.architecture.test_rules import PAGES, imports, modules
from tests.isolation.routes import application

REFRESHED = "/widgets"
"""Begins the address of a part of a page that refreshes itself, whosever part it is: the gateway and recordings go by it."""
FIXED = {
    "": "services.portal.dashboard",  # the address of the portal itself
    "static": "services.portal.assets",  # files, no pages; the gateway's own pages use them
    "settings": "services.portal.preferences",  # settings.py is what every process reads from its environment
    "page-not-found": "services.portal.failures",  # the gateway shows it for an address that has no route
}
"""Addresses that are no folder's."""


def home(path: str) -> str:
    """The module or package that has to answer at `path`."""
    noun = path.removeprefix(REFRESHED).strip("/").partition("/")[0]
    return FIXED.get(noun, f"services.portal.{noun.replace('-', '_')}")


def test_a_page_lies_in_the_folder_that_its_address_begins_with() -> None:
    answering = [
        (route.path, handler.fn.__module__)
        for route in application("portal").routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.fn.__module__.startswith("services.")
    ]
    assert len(answering) > 150
    assert [each for each in answering if not f"{each[1]}.".startswith(f"{home(each[0])}.")] == []


def test_each_folder_with_pages_exports_an_area_and_stands_in_the_list() -> None:
    exported = {
        path.parent.name: import_module(f"services.portal.{path.parent.name}.api") for path in PAGES.glob("*/api.py")
    }
    assert {name for name, module in exported.items() if getattr(module, "area", None) not in list(AREAS)} == set()


def test_the_answers_that_one_area_reads_lie_with_it() -> None:
    tree = ast.parse((PAGES / "answers.py").read_text())
    parts = {node.id for shape in tree.body for node in ast.walk(shape) if isinstance(node, ast.Name)}
    readers: dict[str, set[str]] = {shape.name: set() for shape in tree.body if isinstance(shape, ast.ClassDef)}
    for path, module in modules(PAGES):
        for name in imports(module):
            shape = name.removeprefix("services.portal.answers.")
            if shape in readers:
                readers[shape].add(path.relative_to(PAGES).parts[0])
    alone = {shape: by for shape, by in readers.items() if len(by) < 2 and not any(each.endswith(".py") for each in by)}
    assert {shape for shape in alone if shape not in parts} == set()
