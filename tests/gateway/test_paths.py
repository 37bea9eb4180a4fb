"""G3: one reading of a path. What is decided on is what the service gets, or the request is refused."""

import asyncio
from itertools import chain

import pytest

from gateway.paths import is_canonical
from tests.gateway.raw import Answer, ask, request
from tests.gateway.rig import Rig

API = "/api/client-portal"
STAFF = f"{API}/audit"

DOTS = ("..", ".", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%2e", "%252e%252e", "..%00", "..;", "..;a=b", "%c0%ae%c0%ae",
        "%e0%80%ae%e0%80%ae", "%u002e%u002e", "..%20", "..\\", "\\..", "%5c..", "..%5c", "..%2f", "%2f..",
        "..%252f", "..%c0%af", "..%ef%bc%8f")  # fmt: skip
SLASHES = ("//", "/./", "/%2f", "%2f", "%2F", "%252f", "\\", "%5c", "%5C", "%c0%af", "%e0%80%af", "%c1%9c", "/;/",
           "/%3b/", "/%20/../", "%09", "%0a", "%0d%0a", "%00", "%7f")  # fmt: skip
LETTERS = {"a": "%61", "u": "%75", "d": "%64", "i": "%69", "t": "%74"}

ENDS = (
    ";",
    ";x=y",
    "%3b",
    "%3f",
    "%23",
    "%25",
    "%2525",
    "%20",
    "%c2%a0",
    "\t",
    "|",
    '"',
    "<",
    "`",
    "{",
    "^",
    "\x7f",
    "é",
)


def ways_around() -> list[str]:
    """Paths that some parser somewhere reads as the staff's route, or as no route at all."""
    found = [f"{API}/projects/{dots}/audit" for dots in DOTS]
    found += [f"{API}/{dots}/client-portal/audit" for dots in DOTS]
    found += [f"/static/{dots}{STAFF}" for dots in DOTS]
    found += [f"{API}/audit/{dots}" for dots in DOTS]
    found += [f"/static/{dots}" for dots in DOTS]
    found += [f"{API}{slash}audit" for slash in SLASHES]
    found += [f"{API}/projects{slash}audit" for slash in SLASHES]
    found += [f"{slash}api{slash}client-portal/audit" for slash in SLASHES]
    found += [f"{API}/audit{slash}x" for slash in SLASHES]
    found += [f"{API}/{STAFF.rpartition('/')[2].replace(plain, coded)}" for plain, coded in LETTERS.items()]
    found += [f"{API}/{coded}udit" for coded in ("%41", "%61", "%2561", "%uff41", "%ef%bd%81", "%6", "%", "%zz")]
    found += [f"{API}/audit{end}" for end in ENDS]
    return sorted(set(found))


def targets_that_are_no_path() -> list[str]:
    return [
        f"http://portal.test{STAFF}", f"https://portal.test{STAFF}", f"HTTP://portal.test{STAFF}",
        "http://evil.test/", f"//portal.test{STAFF}", "*", STAFF[1:], f"portal.test:80{STAFF}", f"?{STAFF}",
        f"{STAFF}#x", "#", "urn:x", f"@portal.test{STAFF}", f"\\{STAFF}", f"/\\portal.test{STAFF}", f"file://{STAFF}",
    ]  # fmt: skip


ONE_SPELLING = (
    "/", "/projects", "/projects/", f"{API}/projects", f"{API}/projects/0193f0a2-7b1c-7def-8000-000000000001",
    "/static/css/app.3f2a.css", "/projects/a.b", "/projects/..a", "/projects/a..", "/projects/...", "/projects/~a",
    "/projects/a:b@c", "/projects/M%C3%BCller", "/projects/%E2%82%AC", "/projects/a%20b", "/projects/%22a%22",
    "/projects/a!$&'()*+,=b", "/docs", "/.well-known/jwks.json",
)  # fmt: skip


def test_there_are_enough_variants() -> None:
    assert len(ways_around()) + len(targets_that_are_no_path()) >= 200


@pytest.mark.parametrize("path", ONE_SPELLING)
def test_path_with_one_spelling_is_canonical(path: str) -> None:
    assert is_canonical(path.encode())


async def ask_all(rig: Rig, targets: list[str], cookie: str) -> list[Answer]:
    gate = asyncio.Semaphore(16)

    async def one(target: str) -> Answer:
        sent = request(b"Cookie: portal_session=" + cookie.encode(), path=target.encode("latin-1"))
        async with gate:
            return (await ask(rig.server.port, sent))[0]

    return await asyncio.gather(*(one(target) for target in targets))


async def test_ambiguous_path_is_refused(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    seen = [len(rig.service.seen), len(rig.identity.echo.seen)]
    targets = [*ways_around(), *targets_that_are_no_path()]
    answers = await ask_all(rig, targets, cookie)
    assert {
        target: answer.status for target, answer in zip(targets, answers, strict=True) if answer.status != 400
    } == {}
    assert [len(rig.service.seen), len(rig.identity.echo.seen)] == seen


async def test_service_gets_the_very_bytes(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    queries = ("", "?", "?a=b", "?q=%2e%2e/%2f;x&q=\\", "?next=//evil.test/..", "?%", "?a?b")
    below = [path for path in ONE_SPELLING if path.startswith(("/projects", f"{API}/projects", "/static"))]
    targets = [f"{path}{query}" for path in below for query in queries]
    answers = await ask_all(rig, targets, cookie)
    got = [answer.json()["target"] for answer in answers]
    assert got == [target.removesuffix("?") for target in targets]


async def test_other_case_is_another_path(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    targets = [f"{API}/Audit", f"{API}/AUDIT", f"{API.upper()}/audit", "/Projects", "/DOCS", "/Healthz"]
    assert {answer.status for answer in await ask_all(rig, targets, cookie)} == {404}


async def test_longer_name_is_another_path(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    targets = [
        "/projectsx",
        "/docs.json",
        f"{API}/projects-x",
        f"{API}x/projects",
        "/healthz/x",
        "/staticx/a",
        "/sign-inx",
    ]
    assert {answer.status for answer in await ask_all(rig, targets, cookie)} == {404}


async def test_clients_person_is_kept_from_the_staffs_route_by_every_spelling_that_is_one(rig: Rig) -> None:
    cookie, *_ = rig.identity.sign_in()
    ends = ("", "/", "/x", "/x/y", "/a.b", "?x", "/?..", "/M%C3%BCller", "//"[:1])
    answers = await ask_all(rig, list(chain(f"{STAFF}{end}" for end in ends)), cookie)
    assert {answer.status for answer in answers} == {403}
