"""The declared matrix as a page of the documentation: `python -m tests.isolation.page` writes it."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.isolation.routes import ROLES, SERVICES, Right, declared, proofs

NOTES = ("module", "proof")
"""What a route may be marked with, before what each role gets."""
PAGE = Path(__file__).parent.parent.parent / "docs" / "rights.md"
HEAD = """# Who may do what

Written from [tests/isolation/rights.toml](../tests/isolation/rights.toml) by `python -m tests.isolation.page`, and compared with
what really runs by [test_rights.py](../tests/isolation/test_rights.py): each cell is asked through the gateway. How rights come
about is told in [decision 0046](decisions/0046-rights.md).

Everybody asks with the ids of Acme, a client:

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

`yes` is any answer but a refusal. 303 leads to the sign-in page, 401 asks to sign in, 403 is yours to see and not to do, 404 does
not exist or is not yours, which nobody can tell apart, and 409 is not possible in that state. `~` may be done, but is not
asked here, for it would change what the others are asked about; the feature's own tests do.

A module is what the company may close for a client ([decision 0054](decisions/0054-modules-and-actions.md)): then its routes are
403 for the client's people and for who views as them, and nothing changes for anybody else.

A route marked `proof` asks people to prove once more who they are, where the last proof is older than ten minutes
([decision 0071](decisions/0071-fresh-proof-by-default.md)). What changes something and does not ask is at the end, each with its
reason.
"""
WITHOUT = """
## Changes without a fresh proof

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
