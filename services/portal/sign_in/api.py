"""Signing in and out. E-mail first, then the password or a mailed link with a code; every step is a plain form.

Nothing here tells whether an address is known: the words are the same, and identity takes the same time.
"""

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.answers import SignedIn
from services.portal.clients import FLOW_COOKIE, Answer, ServiceProblem
from services.portal.cookies import cookie
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.paths import local_path

NEXT_COOKIE = "portal_next"
"""Where a mailed link leads in the end; the mail itself does not say."""
FLOW_SECONDS = 600
REFUSED = "E-mail or password is not right. Try again, or have a link mailed to you."
UNUSABLE = "This link or code cannot be used: it may be older than ten minutes, used already, or from another browser."

NextPath = Annotated[str, Parameter(query="next")]


@get("/sign-in")
async def ask_email(page: Page, next_path: NextPath = "", *, ended: bool = False) -> Template | Redirect:
    """The first step. Who is signed in already goes on; `ended` says that a session has just ended."""
    if page.actor.kind != "anonymous":
        return page.go(local_path(next_path))
    return await page.show("sign_in/email.html", form=Form({"next": local_path(next_path)}), ended=ended)


@post("/sign-in")
async def ask_proof(page: Page, data: Typed) -> Template:
    """The second step: password, or a link by mail."""
    form = _form(data)
    step = "proof" if _has_address(form) else "email"
    return await page.show(f"sign_in/{step}.html", form=form, ended=False, status=form.status)


@post("/sign-in/password")
async def sign_in(page: Page, data: Typed) -> Template | Redirect:
    """Check the password and go to where the person was heading."""
    form = _form(data)
    if not _has_address(form):
        return await page.show("sign_in/email.html", form=form, ended=False, status=form.status)
    if form.require(password="Enter your password."):  # noqa: S106 - a sentence
        body = {"email": form.values["email"], "password": data.get("password", "")}
        try:
            return _go_in(
                page, await page.services.identity.send("POST", "auth/login", SignedIn, body=body), form.values["next"]
            )
        except ServiceProblem as problem:
            _explain(form, problem, REFUSED)
    return await page.show("sign_in/proof.html", form=form, status=form.status)


@post("/sign-in/mail-link")
async def mail_link(page: Page, data: Typed) -> Template | Redirect:
    """Have a link and a code mailed. Whether the address is known stays between identity and the mail server."""
    form = _form(data)
    if not _has_address(form):
        return await page.show("sign_in/email.html", form=form, ended=False, status=form.status)
    try:
        asked = await page.services.identity.send(
            "POST", "auth/magic-link", type(None), body={"email": form.values["email"]}
        )
    except ServiceProblem as problem:
        _explain(form, problem, problem.detail)
        return await page.show("sign_in/proof.html", form=form, status=form.status)
    heading_for = cookie(NEXT_COOKIE, form.values["next"], FLOW_SECONDS)
    return Redirect("/sign-in/link", status_code=303, cookies=[*asked.cookies, heading_for])


@get("/sign-in/link")
async def open_link(page: Page, token: str = "") -> Template:
    """Where the mailed link leads. It changes nothing: mail scanners open links too. Without a token: type the code."""
    return await page.show(
        "sign_in/link.html", form=Form({"token": token, "code": ""}), here=bool(page.cookie(FLOW_COOKIE))
    )


@post("/sign-in/link")
async def use_link(page: Page, data: Typed) -> Template | Redirect:
    """Use the link, or the code typed in the browser that asked for it."""
    form = Form({"token": data.get("token"), "code": data.get("code", "").replace(" ", "")})
    body = {name: form.values[name] for name in ("token", "code") if form.values[name]}
    if "token" in body or form.require(code="Enter the six digits from the mail."):
        try:
            answer = await page.services.identity.send("POST", "auth/magic-link/consume", SignedIn, body=body)
            return _go_in(page, answer, page.cookie(NEXT_COOKIE))
        except ServiceProblem as problem:
            form.values["token"] = ""
            _explain(form, problem, UNUSABLE)
    return await page.show("sign_in/link.html", form=form, here=bool(page.cookie(FLOW_COOKIE)), status=form.status)


@post("/sign-out")
async def sign_out(page: Page) -> Response[None]:
    """End the session. Who has none any more is signed out as well."""
    answer = page.go("/sign-in", "You are signed out.")
    try:
        ended = await page.services.identity.send("POST", "auth/logout", type(None))
    except ServiceProblem as problem:
        if problem.status != 401:
            raise
        return answer
    answer.cookies.extend(ended.cookies)
    return answer


def _form(data: Typed) -> Form:
    return Form({"email": data.get("email"), "password": data.get("password"), "next": local_path(data.get("next"))})


def _has_address(form: Form) -> bool:
    name, at, host = form.values["email"].rpartition("@")
    if not (name and at and host) or len(form.values["email"]) > 254:
        form.errors["email"] = "Enter your e-mail address, such as name@company.com."
    return not form.errors["email"]


def _go_in(page: Page, answer: Answer[SignedIn], target: str) -> Redirect:
    redirect = page.go(local_path(target))
    redirect.cookies.extend([*answer.cookies, cookie(NEXT_COOKIE, "", 0)])
    return redirect


def _explain(form: Form, problem: ServiceProblem, refused: str) -> None:
    """Put a refusal into calm words on the form; what a form cannot answer stays an error page."""
    if problem.status == 429:
        minutes = max(1, round((problem.retry_after or 60) / 60))
        form.error = f"Too many tries. Please wait {minutes} minute{'' if minutes == 1 else 's'}, then try again."
    elif problem.status in (401, 422):
        form.error = refused
    else:
        raise problem


router = Router(
    path="/",
    route_handlers=[ask_email, ask_proof, sign_in, mail_link, open_link, use_link, sign_out],
    opt={"public": True},
)
