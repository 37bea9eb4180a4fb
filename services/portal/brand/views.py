"""The draft of the brand as a form."""

from typing import Any

from services.portal import choices
from services.portal.brand.answers import Draft
from services.portal.branding import Said
from services.portal.choices import Choice
from services.portal.edits import Edit
from services.portal.formats import LANGUAGES, languages
from services.portal.forms import Form
from services.portal.people.answers import Person
from services.portal.services import Services
from shared.language import gettext as _


def inputs(draft: Draft) -> dict[str, object]:
    """The inputs of the form."""
    said = {language: draft.texts.get(language, Said()) for language, _name in LANGUAGES}
    words = {f"welcome_{language}": each.welcome for language, each in said.items()}
    asked = {f"ask_{language}": each.ask.id if each.ask else "" for language, each in said.items()}
    colours = {"accent": draft.accent, "accent_dark": draft.accent_dark or ""}
    return {"name": draft.name, "version": draft.edition, **colours, **words, **asked}


def words(draft: Draft) -> dict[str, tuple[str, str]]:
    """Each input of the form with its label, and what is stored in it as one would say it."""
    found = {
        "name": (_("Name of the company"), draft.name),
        "accent": (_("Accent"), draft.accent),
        "accent_dark": (_("Accent in the dark theme"), draft.accent_dark or ""),
    }
    for language, called in languages():
        said = draft.texts.get(language, Said())
        found[f"welcome_{language}"] = (_("Welcome in {language}", language=called), said.welcome)
        whom = _("Whom to ask in {language}", language=called)
        found[f"ask_{language}"] = (whom, said.ask.name if said.ask else _("Nobody"))
    return found


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


async def colleagues(services: Services, form: Form) -> dict[str, Choice[Person]]:
    """By language, whom one can choose to be asked."""
    return {language: await choices.colleagues(services, form, f"ask_{language}") for language in dict(LANGUAGES)}
