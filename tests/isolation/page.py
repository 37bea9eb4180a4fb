"""The declared matrix as a page of the documentation: `python -m tests.isolation.page` writes it."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.isolation.routes import ROLES, SERVICES, Right, declared, proofs

NOTES = ("module", "proof")
"""The marks of a route, in the columns before those of the roles."""
PAGE = Path(__file__).parent.parent.parent / "docs" / "rights.md"
HEAD = """# Permissions of every route

`python -m tests.isolation.page` generates this page from [tests/isolation/rights.toml](../tests/isolation/rights.toml).
[matrix.py](../tests/isolation/matrix.py) compares it with the running services: it sends the requests through the gateway.
[Decision 0046](decisions/0046-rights.md) explains how people get their permissions.

All roles send the ids of Acme, a client:

| role | who |
| --- | --- |
| anonymous | nobody is signed in |
| feedback, viewer, approver | Acme's people by their role in the project; the approver is Acme's primary contact |
| birch | approver and primary contact of another client |
| member | staff who manage projects |
| subcontractor | staff limited to a project of Birch's |
| admin | staff with every policy |
| viewing | the admin, viewing as Acme |
| partner | a system of Birch's, with every scope |

| answer | meaning |
| --- | --- |
| yes | any answer except a refusal |
| 303, 401 | not signed in: redirected to the sign-in page, or refused |
| 403 | the caller can see the object but lacks the permission |
| 404 | the object does not exist or belongs to somebody else; both answers are identical |
| 409 | not possible in the current state |
| ~ | allowed, but not sent by this test because it would change the objects of other requests; the feature's own tests send it |

A module is a part of the portal that the company can close for a client ([decision 0054](decisions/0054-modules-and-actions.md)). Its
routes then answer 403 to the client's people and to staff who view the portal as this client; for others nothing changes.

A route marked `proof` asks people to authenticate again if they last did so more than ten minutes ago
([decision 0071](decisions/0071-fresh-proof-by-default.md)). The last table lists the changes that do not ask, with their reasons.
"""
WITHOUT = """
## Changes without recent authentication

| | why |
| --- | --- |
"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield from HEAD.splitlines()
    rights = list(declared())
    for service in SERVICES:
        yield from ("", f"## {service.capitalize()}", "")
        own = [each for each in rights if each.service == service]
        notes = [name for name in NOTES if any(getattr(each, name) for each in own)]
        yield f"| | {' | '.join((*notes, *ROLES))} |"
        yield f"| --- |{' --- |' * (len(notes) + len(ROLES))}"
        for _, of_path in groupby(own, key=lambda each: each.path):
            yield from (_row(each, notes) for each in of_path)
    yield from WITHOUT.splitlines()
    reasons = {route: why for service in SERVICES for route, why in proofs(service).items() if why}
    yield from (f"| `{_short(route)}` | {why} |" for route, why in sorted(reasons.items(), key=lambda each: each[::-1]))


def _row(right: Right, notes: list[str]) -> str:
    noted = {"module": right.module or "", "proof": "proof" if right.proof else ""}
    cells = (*(noted[name] for name in notes), *(_cell(right.cells[role]) for role in ROLES))
    return f"| `{_short(right.method + ' ' + right.path)}` | {' | '.join(cells)} |"


def _short(route: str) -> str:
    return route.replace("/api/client-portal", "")


def _cell(value: Any) -> str:
    return {"yes": "**yes**", "gone": "~"}.get(value, str(value))


def text() -> str:
    """The page as it should be."""
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text())
