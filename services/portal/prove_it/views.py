"""Who has to prove it is them, with what, and what they were about to do."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from services.portal.forms import Inputs, carried
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.prove_it.answers import StepUp
from services.portal.services import ServiceProblem
from shared.language import gettext as _

OWN = "proof_"
"""Inputs of the proof itself; every other one belongs to the form that is under way."""
ORDER = ("totp", "password", "mail_code", "recovery_code")
"""What is offered first. A passkey has a button of its own beside any of them."""
TIME_TO_TYPE = timedelta(minutes=2)
"""How much longer a proof has to last for a form to be begun: a password typed into it would not be carried along."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One try to prove it. `resend`: what waits is a form, whose inputs are `fields`; else it is a page to open."""

    methods: Sequence[str]
    method: str
    target: str
    resend: bool
    fields: Sequence[tuple[str, str]]

    @property
    def others(self) -> list[str]:
        """The further ways, best first."""
        return [name for name in ORDER if name in self.methods and name != self.method]


async def find(page: Page, data: Inputs, *, target: str, resend: bool) -> Proof:
    """The proof that form `data` is about; its method is the one asked for, if the person may use it."""
    methods = (await page.services.identity.get("auth/step-up", StepUp)).methods
    asked = data.get(f"{OWN}way") or data.get(f"{OWN}method")
    first = next((name for name in ORDER if name in methods), "passkey")
    method = asked if isinstance(asked, str) and asked in methods else first
    return Proof(methods=methods, method=method, target=local_path(target), resend=resend, fields=carried(data))


async def is_fresh(page: Page) -> bool:
    """Whether the last proof is fresh, and stays so while a form is filled in. The page that asks for a proof and those
    that lead there go by this alone: two answers would send a browser to and fro.
    """
    known = await page.services.identity.get("auth/step-up", StepUp)
    return known.fresh and (known.fresh_until is None or known.fresh_until - page.now >= TIME_TO_TYPE)


async def require_fresh(page: Page) -> None:
    """Ask for the proof before somebody fills in a form that needs it. Raises the problem that leads there."""
    if not await is_fresh(page):
        raise ServiceProblem(403, "auth.step_up_required", _("Confirm first that it is you."))
