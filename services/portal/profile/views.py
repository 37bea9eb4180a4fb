"""What a person says of themselves."""

from services.portal.answers import Me
from services.portal.forms import Form

FIELDS = ("first_name", "last_name", "title", "phone")


def inputs(me: Me) -> dict[str, object]:
    return {name: getattr(me, name) for name in FIELDS}


def body(form: Form) -> dict[str, object]:
    """What the form asks for; an empty field is emptied."""
    form.require_name()
    return {name: form.values[name] for name in FIELDS}
