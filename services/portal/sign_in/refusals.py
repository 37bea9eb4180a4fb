"""Texts for refused sign-ins. They reveal nothing about accounts."""

from services.portal.forms import Form
from services.portal.services import ServiceProblem


def explain(form: Form, problem: ServiceProblem, refused: str, *, field: str = "") -> None:
    """Put a refusal on the form: `refused` in general, beside `field` if there is one, or how long to wait.

    Raises what a form cannot answer: an error page, or the way to sign in again.
    """
    if problem.status == 429:
        form.error = f"Too many attempts. Please wait {wait(problem)}, then try again."
    elif problem.status in (401, 422) and not problem.signed_out:
        form.errors[field] = refused
        form.error = "" if field else refused
    else:
        raise problem


def wait(problem: ServiceProblem) -> str:
    """How long, in whole minutes."""
    minutes = max(1, round((problem.retry_after or 60) / 60))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
