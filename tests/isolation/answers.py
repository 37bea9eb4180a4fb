"""Which fields each role gets in which answer: `python -m tests.isolation.answers` notes them down for review.

answers.toml is compared with what really runs by test_answers.py. A field that appears there is a decision; so look at the
difference before you commit it.
"""

import json
import tempfile
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.isolation.matrix import ask, ids_of
from tests.isolation.routes import ROLES, Right, declared
from tests.portal_stack import API, Portal, running_portal

NOTED = Path(__file__).parent / "answers.toml"
FREE = ("detail", "settings")
"""Values whose fields are not the API's: an event's data, a client's own settings."""
OWN_IDS = ("subcontractor", "birch", "partner")
"""Roles who are asked about Birch's things too: of Acme's they get nothing."""

Fields = dict[str, list[str]]


def fields_of(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all fields of a JSON value; an id as a key is `*`."""
    if isinstance(value, list):
        for each in value:
            yield from fields_of(each, f"{path}[]")
    elif isinstance(value, dict):
        for name, each in value.items():
            inner = f"{path}.{'*' if is_id(name) else name}".lstrip(".")
            yield inner
            if name not in FREE:
                yield from fields_of(each, inner)


def is_id(name: str) -> bool:
    """Whether a key is one of our ids."""
    try:
        return bool(UUID(name))
    except ValueError:
        return False


def birchs(portal: Portal) -> dict[str, str]:
    """Birch's ids in the place of Acme's."""
    me = portal.me("birch")
    projects = portal.as_("birch").get(f"{API}/projects").json()["items"]
    return {
        "client_id": me["client_id"],
        "project_id": projects[0]["id"],
        "person_id": me["id"],
        "contact_id": me["id"],
    }


def answered(portal: Portal) -> Iterator[tuple[str, str, list[str]]]:
    """Route, role and fields of every answer in JSON to a GET of the API."""
    acme = ids_of(portal)
    birch = acme | birchs(portal)
    for right in declared():
        if right.method == "GET" and right.service != "portal" and "/api/events/" not in right.path:
            for role in ROLES:
                found = {field for ids in (acme, birch) for field in _asked(portal, right, role, ids)}
                if found:
                    yield right.name, role, sorted(found)


def _asked(portal: Portal, right: Right, role: str, ids: Mapping[str, str]) -> Iterator[str]:
    if ids["client_id"] != portal.me("approver")["client_id"] and role not in OWN_IDS:
        return
    answer = ask(portal.as_(role), right, dict(ids))
    if answer.status_code == 200 and "json" in answer.headers["content-type"]:
        yield from fields_of(answer.json())


def noted() -> dict[str, Fields]:
    """What was written down: the fields by role, by route."""
    lines = tomllib.loads(NOTED.read_text())
    return {route: {role: each["fields"] for each in found for role in each["roles"]} for route, found in lines.items()}


def write(portal: Portal) -> None:
    """Note what is answered now; roles who get the same stand together."""
    routes: dict[str, dict[str, list[str]]] = {}
    for route, role, fields in answered(portal):
        routes.setdefault(route, {})[role] = fields
    text = ["# Which fields each role gets in which answer; see answers.py. Written by it, and read by people.\n"]
    for route, by_role in routes.items():
        text.append(f"[[{json.dumps(route)}]]")
        groups: dict[tuple[str, ...], list[str]] = {}
        for role, fields in by_role.items():
            groups.setdefault(tuple(fields), []).append(role)
        blocks = [
            f"roles = {json.dumps(roles)}\nfields = [\n{_wrapped(fields)}\n]\n" for fields, roles in groups.items()
        ]
        text.append(f"\n[[{json.dumps(route)}]]\n".join(blocks))
    NOTED.write_text("\n".join(text))


def _wrapped(fields: Iterable[str]) -> str:
    words = " ".join(f"{json.dumps(each)}," for each in fields)
    return textwrap.fill(words, 118, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, running_portal(Path(folder) / "data") as running:
        write(running)
