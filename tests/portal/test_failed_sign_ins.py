"""Failed sign-ins, for those who may read the audit log."""

import copy
import re

import pytest
from msgspec.structs import replace

from services.portal.page import CLIENT_COOKIE
from tests.portal.patience import LATE
from tests.portal.people import ANNA, CLARA, JONAS
from tests.portal.personnel import FELIX_ID
from tests.portal.standin import ACME, uid

FRAGMENT = {"HX-Request": "true"}


async def test_each_attempt_says_who_why_and_from_where(browse, standin):
    page = (await browse(CLARA).get("/failed-sign-ins")).text
    rows = [row for row in page.split("<tr>") if "data-label" in row]
    for row, words in zip(
        rows,
        [
            ("Unknown address", "No such account", "198.51.100.7", "Chrome 130 on Windows 11"),
            ("Felix Brandt", "Acme GmbH", "Wrong password, link or code", "203.0.113.9"),
            ("Felix Brandt", "networks", "Link or code by mail", "Safari 18 on iOS 18"),
            ("Jonas Weber", "Staff", "Second factor missing or wrong", "Unknown"),
        ],
        strict=True,
    ):
        assert [each for each in words if each not in row] == []
    assert f'href="/contacts/{FELIX_ID}"' in page


async def test_a_name_that_comes_too_late_is_left_out(browse, standin, hurried):
    standin.delay = {"/people": LATE}
    page = (await browse(CLARA).get("/failed-sign-ins")).text
    assert "Felix Brandt" not in page
    assert page.count("Somebody known") == 3


async def test_without_the_right_to_manage_people_a_name_is_no_link(browse, standin):
    page = (await browse(replace(CLARA, policies=frozenset({"viewAudit"}))).get("/failed-sign-ins")).text
    assert "Felix Brandt" in page
    assert "/people/" not in page


async def test_the_chosen_client_and_further_pages(browse, standin):
    http = browse(CLARA)
    http.cookies.set(CLIENT_COOKIE, ACME)
    assert "Jonas Weber" not in (await http.get("/failed-sign-ins")).text
    first = standin.state["attempts"][1]
    standin.state["attempts"] = [copy.deepcopy(first) | {"id": uid(600 + n)} for n in range(40)]
    page = (await browse(CLARA).get("/failed-sign-ins")).text
    more = re.search(r'href="(/failed-sign-ins\?[^"]*)" hx-get', page)[1].replace("&amp;", "&")
    rows = (await browse(CLARA).get(more, headers=FRAGMENT)).text
    assert rows.count("<tr>") == 15
    assert "<table" not in rows


async def test_none_yet_says_what_will_appear(browse, standin):
    standin.state["attempts"] = []
    assert "No failed sign-ins" in (await browse(CLARA).get("/failed-sign-ins")).text


@pytest.mark.parametrize("actor", [ANNA, JONAS, replace(CLARA, assignments={})])
async def test_it_is_for_those_who_read_the_audit_log(browse, standin, actor):
    assert (await browse(actor).get("/failed-sign-ins")).status_code == 403
