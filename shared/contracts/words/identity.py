"""The words for what happens to people's access."""

from shared.contracts.accounts import InvitationAccepted
from shared.contracts.words.lines import Line, Lines
from shared.language import marked

LINES: Lines = {
    InvitationAccepted: Line(occasion=marked("An invitation was accepted"), title=marked("accepted the invitation")),
}
