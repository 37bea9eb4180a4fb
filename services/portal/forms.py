"""A form as it travels: what was typed, and what is wrong with it. Nothing typed is ever lost, except passwords."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Annotated, TypeAlias

from litestar.enums import RequestEncodingType
from litestar.params import Body

from services.portal.clients import ServiceProblem

Typed: TypeAlias = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""The body of a form handler: `data: Typed`."""


class Form:
    """Values and errors by field name; missing ones read as "".

    `error` is one sentence about the whole form; `changed`, for a stale form, what is stored now as (label, value).
    """

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self.values: defaultdict[str, str] = defaultdict(str)
        self.errors: defaultdict[str, str] = defaultdict(str)
        self.error = ""
        self.changed: Sequence[tuple[str, str]] = ()
        self.values.update(
            {name: "" if value is None else str(value).strip() for name, value in (values or {}).items()}
        )

    @property
    def status(self) -> int:
        """The page's status: 422 once something is wrong."""
        return 422 if self.error or self.changed or any(self.errors.values()) else 200

    def require(self, **fields: str) -> bool:
        """Mark the empty ones of `fields` with their sentence; True if none was."""
        missing = {name: words for name, words in fields.items() if not self.values[name]}
        self.errors.update(missing)
        return not missing

    def refuse(self, problem: ServiceProblem) -> None:
        """Take over what a service said. What it refused as a whole, or about a field not on the form, goes on top.

        Raises the problem again when a form cannot answer it: signed out, not found, forbidden, or nothing answering.
        """
        if problem.status in (401, 403, 404) or problem.status >= 500:
            raise problem
        shown = {name: words for name, words in problem.fields.items() if name in self.values}
        self.errors.update(shown)
        if not shown:
            self.error = problem.detail
