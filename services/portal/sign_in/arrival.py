"""Beginning and end of every sign-in: remembers where the person was heading, and redirects there."""

from urllib.parse import quote

from litestar.datastructures import Cookie
from litestar.response import Redirect

from services.portal.answers import SignedIn
from services.portal.cookies import cookie
from services.portal.page import Page
from services.portal.paths import local_path, organisation_in
from services.portal.services import Answer

NEXT_COOKIE = "portal_next"
"""Where a sign-in of several steps leads in the end; a mailed link does not say."""
ADDRESS_COOKIE = "portal_address"
"""Who is about to prove that it is them: not in the URL, which browsers and logs remember."""
FLOW_SECONDS = 600
WAY_COOKIE = "portal_way"
"""The way last used in this browser: it names no person, and whoever comes next sees all the others as well."""
WAYS = ("magic_link", "sso", "passkey", "password")
"""In the order in which they are offered."""
STEPS = {"second_factor": "/sign-in/second-factor", "enrol": "/sign-in/enrol"}


def heading_for(page: Page) -> str:
    """The path to which this browser's sign-in leads."""
    return local_path(page.cookie(NEXT_COOKIE))


def organisation_of(target: str) -> dict[str, str]:
    """What a sign-in says of where it leads: the organisation that `target` is of, if it names one."""
    named = organisation_in(target)
    return {"organisation": str(named)} if named else {}


def address_of(page: Page) -> str:
    """Who is about to sign in in this browser, as they wrote it; "" where nobody is."""
    return page.cookie(ADDRESS_COOKIE)


def ways_for(page: Page, sso: bool | None, tried: str = "") -> list[str]:
    """The ways to offer, the likely one first: what is being tried, one's organisation for an address of its domain,
    what was used last here, a mailed link. `sso`: whether the address is of such a domain; None where nobody knows.
    """
    known = [way for way in WAYS if way != "sso" or sso is not False]
    likely = (tried, "sso" if sso else "", page.cookie(WAY_COOKIE), WAYS[0])
    first = next(way for way in likely if way in known)
    return [first, *(way for way in known if way != first)]


def begin(address: str, target: str) -> list[Cookie]:
    """The cookies of a sign-in that begins."""
    kept = {ADDRESS_COOKIE: quote(address, safe="@"), NEXT_COOKIE: local_path(target)}
    return [cookie(name, value, FLOW_SECONDS) for name, value in kept.items()]


def arrive(page: Page, answer: Answer[SignedIn], target: str, toast: str = "", *, way: str = "") -> Redirect:
    """Answer a sign-in: set its cookies, and redirect to `target` or, remembering it, to the next step. `way`, one of
    `WAYS`, is offered first in this browser from now on.
    """
    if answer.body.next:
        redirect = page.go(STEPS[answer.body.next])
        redirect.cookies.append(cookie(NEXT_COOKIE, local_path(target), FLOW_SECONDS))
    else:
        redirect = page.go(local_path(target), toast)
        redirect.cookies.extend(cookie(name, "", 0) for name in (NEXT_COOKIE, ADDRESS_COOKIE))
    redirect.cookies.extend(answer.cookies)
    redirect.cookies.extend([cookie(WAY_COOKIE, way)] if way else [])
    return redirect
