"""The words for what happens to webhooks."""

from shared.contracts.notifications import WebhookDisabled
from shared.contracts.words.lines import Facts, Line, Lines
from shared.language import marked


def _which(facts: Facts) -> str:
    return marked("switched off the webhook {name}") if facts.name else marked("switched off a webhook")


LINES: Lines = {
    WebhookDisabled: Line(
        occasion=marked("A webhook was switched off"),
        title=_which,
        description="{host}: {reason}",
    ),
}
REASONS = {
    "gone": marked("its receiver says that it is gone"),
    "failing": marked("its receiver has not taken anything for days"),
}
"""Why the portal switched one off."""
