"""Asking before what cannot be taken back: a page of its own, and a dialog over the page where scripts run."""

import msgspec
from litestar.response import Template

from services.portal.page import Page


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Yes is a POST to `action` with `fields`; no leads to `back`."""

    title: str
    text: str
    action: str
    yes: str
    back: str
    fields: dict[str, str] = {}
    danger: bool = False


async def ask(page: Page, question: Question, *, section: str) -> Template:
    """Ask. HTMX gets the dialog alone."""
    if page.is_fragment:
        return page.fragment("ui/question.html", question=question)
    return await page.show("question.html", section=section, question=question)
