"""The words for what happens to webhooks."""

from shared.contracts.notifications import WebhookDisabled
from shared.contracts.words.lines import Line, Lines
from shared.language import marked

LINES: Lines = {
    WebhookDisabled: Line(
        occasion=marked("A webhook was switched off"),
        title=marked("switched off a webhook"),
        description="{host}: {reason}",
    ),
}
REASONS = {
    "gone": marked("its receiver says that it is gone"),
    "failing": marked("its receiver has not taken anything for days"),
}
"""Why the portal switched one off."""
