"""The draft of the brand as a form."""

from typing import Any

from services.portal.brand.answers import Colleague, Draft
from services.portal.branding import Said
from services.portal.edits import Edit
from services.portal.formats import LANGUAGES
from services.portal.services import Services
from shared.language import gettext as _
from shared.pagination import MAX_LIMIT, Page


def inputs(draft: Draft) -> dict[str, object]:
    """The inputs of the form."""
    said = {language: draft.texts.get(language, Said()) for language, _name in LANGUAGES}
    words = {f"welcome_{language}": each.welcome for language, each in said.items()}
    asked = {f"ask_{language}": each.ask.id if each.ask else "" for language, each in said.items()}
    colours = {"accent": draft.accent, "accent_dark": draft.accent_dark or ""}
    return {"name": draft.name, "version": draft.edition, **colours, **words, **asked}


def body(form: Edit) -> dict[str, Any]:
    """What the form asks for, of what was changed. A language is sent whole."""
    form.require(name=_("Give the company's name."), accent=_("Choose a colour."))
    changed = form.changed()
    asked: dict[str, Any] = {name: form.values[name].lower() for name in ("accent", "accent_dark") if name in changed}
    if "accent_dark" in asked:
        asked["accent_dark"] = asked["accent_dark"] or None
    if "name" in changed:
        asked["name"] = form.values["name"]
    texts = {
        language: {"welcome": form.values[f"welcome_{language}"], "ask": form.values[f"ask_{language}"] or None}
        for language, _name in LANGUAGES
        if changed & {f"welcome_{language}", f"ask_{language}"}
    }
    return asked | ({"texts": texts} if texts else {})


async def colleagues(services: Services) -> list[tuple[str, str]]:
    """Whom one can choose to be asked: the first hundred of the staff, by name."""
    found = await services.identity.get("people", Page[Colleague], kind="staff", active="true", limit=MAX_LIMIT)
    return [("", _("Nobody")), *((str(each.id), each.name) for each in found.items)]
