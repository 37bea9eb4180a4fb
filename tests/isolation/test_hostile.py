"""What nobody sends by accident: every parameter of every route and page, with the extremes of its kind, is refused or
answered, never a 5xx. Asked at each service's own port, as somebody whose request gets that far.
"""

import base64
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

import httpx2
import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler

from gateway import routes as gateway
from services.portal.forms import OPENED_BY
from services.portal.look import whose
from services.projects.fields import Dated
from shared.actor import Actor
from shared.clock import now
from tests.conftest import NewPortal
from tests.isolation.matrix import fill, ids_of
from tests.isolation.routes import EXEMPT, SERVICES, Right, declared, shape
from tests.isolation.test_mass_assignment import handlers, struct_of
from tests.portal_stack import API, ROOT, Portal

TEXTS = ["%00", "%ff", "%zz", "%ed%a0%80", "9" * 30, "-1", "0001-01-01", "9999-12-31", "http%3a%2f%2f%5b", "a" * 5000]
"""Percent-encoded, as they travel in an address or a form."""
HEADERS = ["\x80\xff", "http://[", "[" * 500, "9" * 18, "9" * 30, "-1", '"' * 50, "%00", ",;="]
HEADER_NAMES = ["hx-current-url", "last-event-id", "if-match", "accept-encoding", "accept-language", "referer", "range",
                "content-type", "traceparent"]  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "StrType": ["\0", "x" * 30_000, "http://[", "\ufffe"],
    "IntType": [10**30, 2**63, 2**31, -1],
    "FloatType": [1e308, 10**30],
    "DateType": ["0001-01-01", "9999-12-31"],
    "DateTimeType": ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"],
    "DictType": [
        {"\0": "\0"},
        {"a" * 5000: 1},
        {"": None},
        {"a": {"a": []}},
        {f"a{number}": "a" for number in range(1000)},
    ],
    "other": ["\0", 10**30, None],
}
"""By the type of a field."""
DEEP = ["[" * 1000 + "]" * 1000, '{"a":' * 5000 + "1" + "}" * 5000]
BODIES = [
    *DEEP,
    "[" * 100_000,
    "",
    "null",
    "[]",
    "{",
    '"\\ud800"',
    '{"a":1,"a":2}',
    "1e999",
    "\ufeff{}",
    "NaN",
    "\udcff",
]
KINDS = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "a/b/c",
    ";;",
]
CURSORS = [
    base64.urlsafe_b64encode(each.encode()).decode().rstrip("=")
    for each in (
        *DEEP[:1],
        *(f"[{value},{value}]" for value in (10**30, 2**63, '"\\u0000"', '"9999-12-31T23:59:59Z"', "null")),
        "9" * 30,
    )
]
COOKIES = sorted(
    set(re.findall(r'_COOKIE = "(\w+)"', "".join(p.read_text() for p in (ROOT / "services").rglob("*.py"))))
)
FIELDS = sorted(
    {
        name
        for path in (ROOT / "services/portal").rglob("*.py")
        for found in re.findall(r'(?:values|data)(?:\.get\(|\[)"(\w+)"|name="(\w+)"', path.read_text())
        for name in found
        if name
    }
    | {
        name
        for path in (ROOT / "services/portal").rglob("*.html")
        for name in re.findall(r'name="(\w+)"', path.read_text())
    }
)
"""The names of inputs, wherever the pages read or write one."""
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
ONE_OF_EACH = [
    ("identity", f"{API}/auth/login"),
    ("identity", "/oauth/token"),
    ("projects", f"{API}/projects"),
    ("notifications", f"{API}/webhooks"),
    ("portal", "/sign-in"),
]


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def deep_assertion() -> str:
    """A token whose head and body are nested a thousand deep."""
    return f"{part(DEEP[0])}.{part(DEEP[0])}.{part('x')}"


def bottomless_toast() -> str:
    return part('{"text":"x","more":' + DEEP[0] + "}")


class Hurt(NamedTuple):
    """A portal of its own, as some of what is sent is taken, and what it was like before."""

    portal: Portal
    ids: dict[str, str]
    actors: dict[str, Actor]


@pytest.fixture(scope="module")
def hurt(new_portal: NewPortal) -> Iterator[Hurt]:
    with new_portal("hostile") as portal:
        actors = {who: msgspec.structs.replace(portal.actor(who), proven_at=now()) for who in ("admin", "approver")}
        others = {"gateway": Actor(kind="system", name="Gateway"), "nobody": Actor()}
        yield Hurt(portal, ids_of(portal), actors | others)


def examples(kind: Any) -> Any:  # noqa: C901  (one case for each type)
    """A value that fits, so that the one beside it is what gets refused."""
    info = kind if isinstance(kind, msgspec.inspect.Type) else msgspec.inspect.type_info(kind)
    match info:
        case msgspec.inspect.StructType():
            return {field.encode_name: examples(field.type) for field in info.fields if field.required}
        case msgspec.inspect.UnionType():
            return examples(info.types[0])
        case msgspec.inspect.LiteralType():
            return info.values[0]
        case msgspec.inspect.ListType() | msgspec.inspect.SetType() | msgspec.inspect.FrozenSetType():
            return []
        case msgspec.inspect.UUIDType():
            return "01900000-0000-7000-8000-00000000ac3e"
        case msgspec.inspect.DateType():
            return "2031-01-01"
        case msgspec.inspect.DateTimeType():
            return "2031-01-01T00:00:00Z"
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return info.ge or 1
        case msgspec.inspect.DictType():
            return {}
        case _:
            return "somebody@example.org"


def places(kind: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every field of a struct's body and of those inside it: its path, and its type's name."""
    info = kind if isinstance(kind, msgspec.inspect.Type) else msgspec.inspect.type_info(kind)
    for each in getattr(info, "types", (info,)):
        if isinstance(each, msgspec.inspect.StructType):
            for field in each.fields:
                for below, name in places(field.type):
                    yield (field.encode_name, *below), name
        elif isinstance(each, msgspec.inspect.ListType | msgspec.inspect.FrozenSetType | msgspec.inspect.SetType):
            for below, name in places(each.item_type):
                yield (0, *below), name
        elif not isinstance(each, msgspec.inspect.NoneType):
            name = type(each).__name__
            yield (), name if name in VALUES else "other"


def put(body: Any, kind: Any, place: tuple[Any, ...], value: Any) -> Any:
    """`body` with `value` at `place`, made of examples where there was nothing."""
    if not place:
        return value
    info = kind if isinstance(kind, msgspec.inspect.Type) else msgspec.inspect.type_info(kind)
    info = next(
        each
        for each in getattr(info, "types", (info,))
        if isinstance(each, msgspec.inspect.StructType) == isinstance(place[0], str)
        and not isinstance(each, msgspec.inspect.NoneType)
    )
    if isinstance(place[0], int):
        return [put(examples(info.item_type), info.item_type, place[1:], value)]
    field = next(field for field in info.fields if field.encode_name == place[0])
    known = {**(body or examples(info))}
    return known | {place[0]: put(known.get(place[0]), field.type, place[1:], value)}


class Attack:
    """One service, asked as whoever gets furthest; remembers each 5xx."""

    def __init__(self, hurt: Hurt, service: str) -> None:
        self.ids = hurt.ids
        self.http = httpx2.Client(base_url=hurt.portal.run.services[service], timeout=60)
        self.audience = SERVICES if service == "portal" else (service,)
        self._hurt = hurt
        self._signed: dict[str, dict[str, str]] = {}
        self.asked = 0
        self._wrong: defaultdict[str, list[str]] = defaultdict(list)

    def renew(self) -> None:
        """Claims of everybody, good for the next minute."""
        signer = self._hurt.portal.signer()
        self._signed = {who: signer.headers(actor, *self.audience) for who, actor in self._hurt.actors.items()}

    def whose(self, who: str) -> str:
        """Whom the forms name that were opened for somebody."""
        return whose(self._hurt.actors[who])

    def send(self, who: str, method: str, path: str, **how: Any) -> None:
        sent = how.pop("headers", {})
        headers = httpx2.Headers([*self._signed[who].items(), *sent.items()], encoding="latin-1")
        content = how.get("content")
        if isinstance(content, str):
            how["content"] = content.encode("utf-8", "surrogatepass")
        self.asked += 1
        if path.startswith("/api/events/"):
            with self.http.stream(method, path, headers=headers, **how) as answer:
                status, text = answer.status_code, ""
        else:
            answer = self.http.request(method, path, headers=headers, **how)
            status, text = answer.status_code, answer.text
        if status >= 500:
            self._wrong[f"{status} {who} {method} {path[:100]}"].append(
                f"{str(how)[:120]} {str(sent)[:120]} {text[:60]}"
            )

    def faults(self) -> dict[str, str]:
        """By route, how often, and the first of them."""
        return {at: f"{len(found)} times, as for {found[0]}" for at, found in self._wrong.items()}


def who_gets_furthest(right: Right) -> str:
    if right.path.startswith("/internal/"):
        return "gateway"
    if right.cells["admin"] in ("yes", "gone"):
        return "admin"
    return "approver" if right.cells["approver"] in ("yes", "gone") else "nobody"


def taken(handler: HTTPRouteHandler) -> Iterator[tuple[str, Any, Any]]:
    """What a handler and its dependencies take from the request: name, type and what is said of it."""
    provided = handler.resolve_dependencies()
    for signed in (handler.parsed_fn_signature, *(each.parsed_fn_signature for each in provided.values())):
        for name, field in signed.parameters.items():
            if name not in provided and name not in ("request", "state", "data", "socket"):
                yield name, field.annotation, field.kwarg_definition


def parameters(handler: HTTPRouteHandler, path: str) -> tuple[set[str], set[str]]:
    """The names a route takes from its query and its headers."""
    query, headers = set[str](), set[str]()
    for name, _, told in taken(handler):
        if getattr(told, "header", None):
            headers.add(told.header)
        elif not getattr(told, "cookie", None) and f"{{{name}" not in path:
            query.add(getattr(told, "query", None) or name)
    return query, headers


def unbounded(info: msgspec.inspect.Type, at: str) -> Iterator[str]:  # noqa: C901  (one case for each type)
    """The fields of a body that may hold what nobody foresaw."""
    match info:
        case msgspec.inspect.StructType():
            for field in info.fields:
                yield from unbounded(field.type, f"{at}.{field.encode_name}")
            if not issubclass(info.cls, Dated) and any(dates(field.type) for field in info.fields):
                yield f"{at}: dates without bounds"
        case msgspec.inspect.UnionType():
            for each in info.types:
                yield from unbounded(each, at)
        case msgspec.inspect.ListType() | msgspec.inspect.SetType() | msgspec.inspect.FrozenSetType():
            if info.max_length is None:
                yield f"{at}: a list without an end"
            yield from unbounded(info.item_type, f"{at}[]")
        case msgspec.inspect.DictType():
            yield from unbounded(info.key_type, f"{at} key") if info.max_length else [f"{at}: a mapping without an end"]
            yield from unbounded(info.value_type, f"{at} value")
        case msgspec.inspect.StrType():
            if info.pattern is None:
                yield f"{at}: a text that may hold anything"
            elif info.max_length is None and "{" not in info.pattern:
                yield f"{at}: a text without an end"
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            if info.ge is None or info.le is None:
                yield f"{at}: a number without bounds"
        case msgspec.inspect.AnyType():
            yield f"{at}: anything"
        case _:
            pass


def dates(info: msgspec.inspect.Type) -> bool:
    kinds = getattr(info, "types", (info,))
    return any(isinstance(each, msgspec.inspect.DateType | msgspec.inspect.DateTimeType) for each in kinds)


JUDGED = {"PatchClient.settings", "CreateApiClient.jwks", "PatchApiClient.jwks"}
"""JSON of no fixed shape, which a rule of its aggregate looks through."""


@pytest.mark.parametrize("service", gateway.SERVICES)
def test_whatever_comes_in_has_bounds(service: str) -> None:
    """One pattern for every text, ends for every list, number and date; headers hold no control characters (RFC 9110)."""
    found: set[str] = set()
    for route, handler in handlers(service):
        if not EXEMPT.match(route.split(" ")[1]):
            if kind := struct_of(handler):
                found |= set(unbounded(msgspec.inspect.type_info(kind), kind.__name__))
            for name, annotation, told in taken(handler):
                texts = str in (get_args(annotation) or (annotation,))
                if texts and not getattr(told, "header", None) and not getattr(told, "pattern", None):
                    found.add(f"{route} {name}: a text that may hold anything")
                if int in (get_args(annotation) or (annotation,)) and None in (told.ge, told.le):
                    found.add(f"{route} {name}: a number without bounds")
    assert {each for each in found if each.partition(":")[0].partition(" ")[0] not in JUDGED} == set()


def ask_a_question(attack: Attack, right: Right, handler: HTTPRouteHandler, path: str) -> None:
    """Every parameter of its address, and of its headers, with every extreme."""
    who, (query, headers) = who_gets_furthest(right), parameters(handler, right.path)
    for name in sorted(query):
        for text in [*TEXTS, *(CURSORS if name == "cursor" else [])]:
            attack.send(who, "GET", f"{path}?{name}={text}")
        attack.send(who, "GET", f"{path}?{name}=1&{name}=2")
    for name in sorted(headers):
        for value in HEADERS:
            attack.send(who, "GET", path, headers={name: value})


def send_a_body(attack: Attack, right: Right, handler: HTTPRouteHandler, path: str) -> None:
    """Every field with the extremes of its type; from a stranger, too, what no field is."""
    who = who_gets_furthest(right)
    if kind := struct_of(handler):
        for place, name in places(kind):
            for value in VALUES[name]:
                attack.send(who, right.method, path, json=put(examples(kind), kind, place, value))
    for content in DEEP:
        for each in {who, "nobody"}:
            attack.send(each, right.method, path, content=content, headers=JSON)


def send_a_form(attack: Attack, right: Right, path: str) -> None:
    """All inputs there are anywhere at once, as a page reads those it knows."""
    who = who_gets_furthest(right)
    for text in ("%00", "9999-12-31", "[" * 1000):
        filled = "&".join([f"{OPENED_BY}={attack.whose(who)}", *(f"{name}={text}" for name in FIELDS)])
        attack.send(who, right.method, path, content=filled, headers=FORM)


@pytest.mark.parametrize("service", SERVICES)
def test_no_extreme_is_a_fault_of_ours(hurt: Hurt, service: str) -> None:
    attack = Attack(hurt, service)
    known = dict(handlers(service))
    rights = [each for each in declared() if each.service == service]
    for right in rights:
        attack.renew()
        handler, path = known[shape(f"{right.method} {right.path}")], fill(right.path, attack.ids)
        for text in ("%00", "%ff", "9" * 30) if "{" in right.path else ():
            attack.send(who_gets_furthest(right), right.method, re.sub(r"\{\w+\}", text, right.path))
        if right.method == "GET":
            ask_a_question(attack, right, handler, path)
        elif right.form:
            send_a_form(attack, right, path)
        else:
            send_a_body(attack, right, handler, path)
    assert attack.faults() == {}
    assert attack.asked > min(100, 10 * len(rights))


@pytest.mark.parametrize(("service", "path"), ONE_OF_EACH)
def test_no_body_is_a_fault_of_ours(hurt: Hurt, service: str, path: str) -> None:
    """How a body is read is the same on every route."""
    attack = Attack(hurt, service)
    attack.renew()
    for who in ("admin", "nobody"):
        for content in BODIES:
            for kind in KINDS:
                attack.send(who, "POST", path, content=content, headers={"content-type": kind})
    for text in (*TEXTS, "%20", "a+b", *DEEP, deep_assertion()):
        for name in ("scope", "client_id", "client_secret", "client_assertion", "grant_type", "data"):
            form = f"grant_type=client_credentials&{name}={text}"
            attack.send("nobody", "POST", path, content=form, headers=FORM)
    assert attack.faults() == {}


def test_no_cookie_and_no_header_of_a_page_is_a_fault_of_ours(hurt: Hurt) -> None:
    attack = Attack(hurt, "portal")
    attack.renew()
    for path in ("/sign-in", "/sign-in/proof", "/widgets/session", "/nothing"):
        for who in ("nobody", "admin"):
            for name in COOKIES:
                for value in ("%00", "%0d%0a", '"', "{", "\xff", "../../x", bottomless_toast()):
                    attack.send(who, "GET", path, headers={"cookie": f"{name}={value}"})
            for name in HEADER_NAMES:
                for value in HEADERS:
                    attack.send(who, "GET", path, headers={name: value, "hx-request": "true"})
    assert attack.faults() == {}
