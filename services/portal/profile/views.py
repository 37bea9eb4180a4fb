"""What a person says of themselves."""

from services.portal.answers import Me
from services.portal.forms import Form

NAMES = ("first_name", "last_name")
OPTIONAL = ("title", "phone")
LANGUAGES = (("en", "English"), ("de", "Deutsch"))


def inputs(me: Me) -> dict[str, object]:
    return {name: getattr(me, name) for name in (*NAMES, *OPTIONAL, "language")}


def body(form: Form) -> dict[str, object]:
    """What the form asks for. An empty optional field is emptied; a language, once chosen, can only be changed."""
    form.require(first_name="Enter your first name.", last_name="Enter your last name.")
    said: dict[str, object] = {name: form.values[name] for name in NAMES}
    said |= {name: form.values[name] or None for name in OPTIONAL}
    return said | ({"language": form.values["language"]} if form.values["language"] else {})
