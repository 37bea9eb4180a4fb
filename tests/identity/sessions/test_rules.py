"""Who may come in, by which way and from where: the rule alone."""

from uuid import UUID

import pytest

from services.identity.clients.models import Client
from services.identity.people.models import Person
from services.identity.sessions.rules import Method, is_within, place_of, refusal
from shared.clock import uuid7
from tests.identity.rig import FIREFOX

ACME = uuid7()


def client(**fields: object) -> Client:
    made = Client(name="Acme GmbH", id=ACME)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def person(kind: str = "client", client_id: UUID | None = ACME, **fields: object) -> Person:
    made = Person(kind=kind, email="a@b.example", first_name="Anna", last_name="Keller", client_id=client_id)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("of", "who", "reason"),
    [
        (client(), person(), None),
        (client(), person(active=False), "closed"),
        (client(), person(portal_access=False), "closed"),
        (client(active=False), person(), "closed"),
        (client(portal_enabled=False), person(), "closed"),
        (None, person(), "closed"),
        (client(), person(client_id=uuid7()), "closed"),
        (client(sign_in_methods=["password", "sso"]), person(), "method"),
        (client(allowed_networks=["203.0.113.0/24"]), person(), "network"),
        (client(allowed_networks=["203.0.113.0/24", "198.51.100.7/32"]), person(), None),
        (None, person("staff", None), None),
        (None, person("staff", None, active=False), "closed"),
    ],
)
def test_why_somebody_stays_outside(of: Client | None, who: Person, reason: str | None) -> None:
    assert refusal(who, of, "magic_link", "198.51.100.7") == reason


@pytest.mark.parametrize(
    ("methods", "admitted"),
    [
        (["magic_link"], {"magic_link", "invitation"}),
        (["password", "passkey"], {"password", "passkey", "invitation"}),
        (["sso"], {"sso"}),
        (["sso", "magic_link"], {"sso", "magic_link", "invitation"}),
    ],
)
def test_the_ways_in_a_client_admits(methods: list[str], admitted: set[Method]) -> None:
    ways: list[Method] = ["password", "magic_link", "passkey", "sso", "invitation"]
    found = {way for way in ways if refusal(person(), client(sign_in_methods=methods), way, "") is None}
    assert found == admitted


def test_from_where_is_not_asked_before_it_is_known() -> None:
    assert refusal(person(), client(allowed_networks=["203.0.113.0/24"]), "magic_link", None) is None


@pytest.mark.parametrize(
    ("ip", "networks", "within"),
    [
        ("203.0.113.7", [], True),
        ("203.0.113.7", ["203.0.113.0/29"], True),
        ("203.0.113.8", ["203.0.113.0/29"], False),
        ("::ffff:203.0.113.7", ["203.0.113.0/24"], True),
        ("2001:db8::1", ["203.0.113.0/24", "2001:db8::/32"], True),
        ("2001:db9::1", ["203.0.113.0/24", "2001:db8::/32"], False),
        ("0.0.0.0", ["::/0"], False),
        ("", ["0.0.0.0/0"], False),
        ("unknown", ["0.0.0.0/0", "::/0"], False),
    ],
)
def test_an_address_in_a_network(ip: str, networks: list[str], within: bool) -> None:
    assert is_within(ip, networks) is within


def test_a_newer_browser_and_the_address_next_door_are_familiar() -> None:
    home = place_of("203.0.113.7", FIREFOX)
    assert place_of("203.0.113.200", FIREFOX.replace("140", "141")) == home
    assert place_of("203.0.114.7", FIREFOX) != home
    assert place_of("203.0.113.7", FIREFOX.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64")) != home
    assert place_of("2001:db8:1:2::1", FIREFOX) == place_of("2001:db8:1:3::1", FIREFOX)
    assert place_of("somewhere", "")[2] == "somewhere"
