"""How a person likes the portal, as forms have it."""

from services.portal import formats
from services.portal.answers import Me
from services.portal.edits import Collision, Edit
from services.portal.formats import zone
from services.portal.page import Page
from services.portal.preferences.answers import Channel, NotificationChoice, NotificationChoices
from shared.language import gettext as _
from shared.language import marked

CHANNEL = "channel"
"""Begins the names of the inputs by which a channel is chosen, one for each kind of notification."""
WORDS: dict[Channel, str] = {
    "none": marked("Not at all"),
    "bell": marked("At the bell"),
    "bell_and_mail": marked("At the bell and by mail"),
}


def look(page: Page, me: Me) -> Edit:
    """Language and time zone."""
    return Edit({"language": me.language, "zone": page.chosen_zone})


def zones(form: Edit) -> list[tuple[str, str]]:
    """The time zones to choose from; whoever has chosen one by an older name keeps it."""
    chosen = form.values["zone"]
    return formats.zones(chosen if zone(chosen) else "")


def channels(known: NotificationChoices) -> Edit:
    """How the reader is notified of what they choose for."""
    chosen = {f"{CHANNEL}-{each.type}": each.channel for each in known.items if not each.reason}
    return Edit({**chosen, "version": known.version})


def options(choice: NotificationChoice) -> list[tuple[str, str]]:
    """Its channels, for a form."""
    return [(each, _(WORDS[each])) for each in choice.channels]


def catch_up(form: Edit, known: NotificationChoices) -> bool:
    """Answer a 412: start again from what is stored by now, and show what the reader changed elsewhere. False where
    nothing is another: then the form is to be sent again.
    """
    words = {f"{CHANNEL}-{each.type}": (each.occasion, _(WORDS[each.channel])) for each in known.items}
    theirs = form.rebase(channels(known).values, words)
    form.collision = Collision(_("You"), None, theirs) if theirs else None
    return bool(theirs)
