"""What a person says of themselves."""

from services.portal.answers import Me
from services.portal.forms import Form

FIELDS = ("first_name", "last_name", "title", "phone", "language")


def inputs(me: Me) -> dict[str, object]:
    return {name: getattr(me, name) for name in FIELDS}


def body(form: Form, *, own: bool) -> dict[str, object]:
    """What the form asks for; an empty field is emptied. Without `own`, only the language is the person's to choose."""
    if not own:
        form.require(language="Choose a language.")
        return {"language": form.values["language"]}
    form.require_name()
    form.require(language="Choose a language.")
    return {name: form.values[name] for name in FIELDS}
