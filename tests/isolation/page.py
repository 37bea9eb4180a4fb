"""The declared matrix as a page of the documentation: `python -m tests.isolation.page` writes it."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.isolation.routes import ROLES, SERVICES, Right, declared

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
"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield from HEAD.splitlines()
    rights = list(declared())
    for service in SERVICES:
        yield from ("", f"## {service.capitalize()}", "")
        yield f"| | {' | '.join(ROLES)} |"
        yield f"| --- |{' --- |' * len(ROLES)}"
        for _, of_path in groupby((each for each in rights if each.service == service), key=lambda each: each.path):
            yield from map(_row, of_path)


def _row(right: Right) -> str:
    path = right.path.removeprefix("/api/client-portal")
    return f"| `{right.method} {path}` | {' | '.join(_cell(right.cells[role]) for role in ROLES)} |"


def _cell(value: Any) -> str:
    return {"yes": "**yes**", "gone": "~"}.get(value, str(value))


def text() -> str:
    """The page as it should be."""
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text())
