"""Every operation of the API answers what its description promises, asked by Schemathesis (asked.py, decision 0113)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest

from gateway import routes as gateway
from shared.actor import Actor
from shared.clock import now
from tests.conftest import NewPortal
from tests.isolation.asked import Schemathesis, schemathesis
from tests.isolation.matrix import ids_of
from tests.portal_stack import PEOPLE, Portal


class Asked(NamedTuple):
    """A portal of its own, as some of what is asked changes it."""

    portal: Portal
    ids: dict[str, str]
    admin: Actor
    asking: Schemathesis


@pytest.fixture(scope="module")
def asked(new_portal: NewPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with new_portal("asked") as portal:
        ids = ids_of(portal)
        with schemathesis(portal, ids, tmp_path_factory.mktemp("asking")) as asking:
            yield Asked(portal, ids, portal.actor("admin"), asking)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", gateway.SERVICES)
def test_a_service_keeps_to_its_description(asked: Asked, service: str) -> None:
    if said := asked.asking.findings_in_service(service, msgspec.structs.replace(asked.admin, proven_at=now())):
        pytest.fail(said, pytrace=False)


@pytest.mark.timeout(900)
def test_what_the_gateway_merges_is_what_it_forwards(asked: Asked) -> None:
    if said := asked.asking.findings_at_gateway():
        pytest.fail(said, pytrace=False)


def test_options_name_what_a_refused_method_may_be_replaced_with(asked: Asked) -> None:
    """Of each resource of the API, through the gateway: the methods described, and HEAD and OPTIONS (RFC 9110, 9.3.7)."""
    staff, wrong = asked.portal.sign_in(PEOPLE["admin"]), dict[str, object]()
    described = staff.get("/docs/openapi.json").json()["paths"]
    for path, item in described.items():
        methods = {method.upper() for method in item}
        allowed = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        address = re.sub(r"\{\w+\}", asked.ids["project_id"], path)
        other = next(each for each in ("PUT", "DELETE", "PATCH", "POST") if each not in methods)
        for answer, status in ((staff.options(address), 204), (staff.request(other, address), 405)):
            if (answer.status_code, set(answer.headers.get("allow", "").split(", "))) != (status, allowed):
                wrong[f"{answer.request.method} {path}"] = (answer.status_code, answer.headers.get("allow"))
    assert wrong == {}
