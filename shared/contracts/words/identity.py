"""The words for what happens to people's access."""

from shared.contracts.accounts import FailedSignInsPaused, InvitationAccepted, OrganisationJoined
from shared.contracts.words.lines import Facts, Line, Lines
from shared.language import marked

_NOTHING_LOST = marked(
    "This is about your account. Nobody got in with these attempts. If they were yours, wait {pause} and sign in "
    "again. If they were not, there is nothing you have to do; tell the company if it happens again."
)
_PROOF_KNOWN = marked(
    "This is about your account. Nobody got in with these attempts. But who is asked for this code knows your password "
    "already, or reads your mails. If they were not yours, choose new passwords for both, and tell the company."
)


def _what_to_do(facts: Facts) -> str:
    return _PROOF_KNOWN if facts.reason in ("totp", "recovery_code") else _NOTHING_LOST


def _whose(facts: Facts) -> str:
    if facts.name:
        return marked("paused sign-ins to the account of {name} after too many failed attempts")
    return marked("paused sign-ins to an account after too many failed attempts")


def _accepted_or_registered(facts: Facts) -> str:
    return marked("registered for the portal") if facts.registered else marked("accepted the invitation")


LINES: Lines = {
    InvitationAccepted: Line(
        occasion=marked("Somebody accepted an invitation, or registered"), title=_accepted_or_registered
    ),
    OrganisationJoined: Line(
        occasion=marked("Somebody joined another organisation"), title=marked("accepted the invitation")
    ),
    FailedSignInsPaused: Line(
        occasion=marked("Sign-ins to an account were paused"),
        title=_whose,
        to_own=marked("Sign-ins to your account were paused after too many failed attempts"),
        description="{reason}",
        advice=_what_to_do,
    ),
}
REASONS = {
    "password": marked("The password was wrong."),
    "mail_code": marked("The code of a sign-in mail was wrong."),
    "totp": marked("The code of the authenticator app was wrong."),
    "recovery_code": marked("The recovery code was wrong."),
}
"""What was wrong with the attempts for which the portal paused them."""
