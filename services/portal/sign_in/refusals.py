"""Texts for refused sign-ins. They reveal nothing about accounts."""

from services.portal.forms import Form
from services.portal.services import ServiceProblem
from shared.language import ngettext


def explain(form: Form, problem: ServiceProblem, refused: str, *, field: str = "") -> None:
    """Put a refusal on the form: `refused` in general, beside `field` if there is one, or how long to wait.

    Raises what a form cannot answer: an error page, or the way to sign in again.
    """
    if problem.status == 429:
        form.error = too_many(problem)
    elif problem.status in (401, 422) and not problem.signed_out:
        form.errors[field] = refused
        form.error = "" if field else refused
    else:
        raise problem


def too_many(problem: ServiceProblem) -> str:
    """That there were too many attempts, and how long to wait."""
    return ngettext(
        "Too many attempts. Please wait {count} minute, then try again.",
        "Too many attempts. Please wait {count} minutes, then try again.",
        minutes(problem),
    )


def minutes(problem: ServiceProblem) -> int:
    """How long to wait, in whole minutes."""
    return max(1, round((problem.retry_after or 60) / 60))
