"""Beginning and end of every sign-in: remembers where the person was heading, and redirects there."""

from urllib.parse import quote, unquote

from litestar.datastructures import Cookie
from litestar.response import Redirect

from services.portal.answers import SignedIn
from services.portal.clients import Answer
from services.portal.cookies import cookie
from services.portal.page import Page
from services.portal.paths import local_path

NEXT_COOKIE = "portal_next"
"""Where a sign-in of several steps leads in the end; a mailed link does not say."""
ADDRESS_COOKIE = "portal_address"
"""Who is about to prove that it is them: not in the URL, which browsers and logs remember."""
FLOW_SECONDS = 600
STEPS = {"second_factor": "/sign-in/second-factor", "enrol": "/sign-in/enrol"}


def heading_for(page: Page) -> str:
    """The path to which this browser's sign-in leads."""
    return local_path(page.cookie(NEXT_COOKIE))


def address_of(page: Page) -> str:
    """Who is about to sign in in this browser, as they wrote it; "" where nobody is."""
    return unquote(page.cookie(ADDRESS_COOKIE))


def begin(address: str, target: str) -> list[Cookie]:
    """The cookies of a sign-in that begins."""
    kept = {ADDRESS_COOKIE: quote(address, safe="@"), NEXT_COOKIE: local_path(target)}
    return [cookie(name, value, FLOW_SECONDS) for name, value in kept.items()]


def arrive(page: Page, answer: Answer[SignedIn], target: str, toast: str = "") -> Redirect:
    """Answer a sign-in: set its cookies, and redirect to `target` or, remembering it, to the next step."""
    if answer.body.next:
        redirect = page.go(STEPS[answer.body.next])
        redirect.cookies.append(cookie(NEXT_COOKIE, local_path(target), FLOW_SECONDS))
    else:
        redirect = page.go(local_path(target), toast)
        redirect.cookies.extend(cookie(name, "", 0) for name in (NEXT_COOKIE, ADDRESS_COOKIE))
    redirect.cookies.extend(answer.cookies)
    return redirect
