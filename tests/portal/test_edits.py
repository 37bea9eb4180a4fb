"""Edit forms: what was changed, by whom, and what becomes of it when two people edit at once."""

import pytest

from services.portal.edits import Edit
from services.portal.forms import Form
from tests.portal.people import ANNA, CLARA
from tests.portal.personnel import EMIL_ID, FELIX_ID
from tests.portal.standin import uid
from tests.portal.test_project_forms import typed

STORED = {"name": "Relaunch", "scope": "Line one\nLine two", "active": "on", "team-0-name": "Ada", "version": 3}
WORDS = {name: (name.title(), f"stored {name}") for name in ("name", "scope", "active", "team")}


def sent_back(form: Edit, **typed: str | None) -> Edit:
    """The form as a browser sends it: text areas with CR LF, unticked boxes not at all."""
    values = {**form.values, **typed}
    return Edit.sent({name: value.replace("\n", "\r\n") for name, value in values.items() if value is not None})


def test_a_form_sent_back_untouched_has_changed_nothing():
    assert sent_back(Edit(STORED)).changed() == set()


def test_every_way_of_changing_a_field_is_seen():
    opened = Edit(STORED)
    assert sent_back(opened, name="Other").changed() == {"name"}
    assert sent_back(opened, active=None).changed() == {"active"}
    assert sent_back(opened, scope="").changed() == {"scope"}
    assert sent_back(opened, **{"team-1-name": "Bo"}).changed() == {"team"}
    assert sent_back(opened, **{"team-0-name": None}).changed() == {"team"}


def test_an_empty_row_is_no_change():
    assert sent_back(Edit(STORED), **{"team-1-name": "", "team-1-role": "  "}).changed() == set()


def test_only_changed_fields_are_sent():
    form = sent_back(Edit(STORED), name="Other")
    assert form.only_changed({"name": "Other", "scope": "Line one\nLine two"}) == {"name": "Other"}


def test_fingerprints_a_stranger_wrote_send_everything_and_never_crash():
    form = sent_back(Edit(STORED), opened="garbage : x:y name:")
    assert form.changed() >= {"name", "scope", "team", "active"}


def test_a_form_that_was_never_opened_sends_all_it_holds():
    assert Edit.sent({"name": "Mine"}).only_changed({"name": "Mine", "scope": ""}) == {"name": "Mine"}


def test_a_version_a_stranger_wrote_matches_nothing():
    assert sent_back(Edit(STORED)).etag == '"3"'
    for version in ("", "x", '3"\r\nX: y', "٣"):
        assert sent_back(Edit(STORED), version=version).etag == '"0"'


def test_what_others_changed_is_taken_over_and_what_was_typed_is_kept():
    form = sent_back(Edit(STORED), name="Mine")
    theirs = form.rebase({**STORED, "scope": "Theirs", "team-1-name": "Bo", "version": 4}, WORDS)
    assert [(each.label, each.value, each.clashes) for each in theirs] == [
        ("Scope", "stored scope", False),
        ("Team", "stored team", False),
    ]
    assert form.values["name"] == "Mine"
    assert form.values["scope"] == "Theirs"
    assert form.values["team-1-name"] == "Bo"
    assert form.etag == '"4"'
    assert form.changed() == {"name"}


def test_the_same_field_changed_by_both_is_a_clash_that_keeps_what_was_typed():
    form = sent_back(Edit(STORED), name="Mine", active=None)
    theirs = form.rebase({**STORED, "name": "Theirs", "version": 4}, WORDS)
    assert [(each.label, each.clashes) for each in theirs] == [("Name", True)]
    assert form.values["name"] == "Mine"
    assert not form.values["active"]
    assert form.changed() == {"name", "active"}


def test_both_typing_the_same_is_no_difference():
    form = sent_back(Edit(STORED), name="Same")
    assert form.rebase({**STORED, "name": "Same", "version": 4}, WORDS) == []
    assert form.changed() == set()


def test_what_no_field_holds_was_not_opened_whatever_a_form_says():
    opened = Edit(STORED)
    form = sent_back(
        opened, opened=f"{opened.values['opened']} version:beef opened:beef find:beef", version="9", name="Mine"
    )
    assert form.changed() == {"name"}
    assert form.rebase({**STORED, "version": 4}, WORDS) == []
    assert form.etag == '"4"'


class Moving(int):
    """The version of what somebody saves all the time: none that a form has is the one that is stored."""

    def __format__(self, _spec: str) -> str:
        return "another"


FORMS = {
    "notifications": (ANNA, "/settings", "/settings/notifications", {"channel-project_created": "none"}),
    "project": (CLARA, f"/projects/{uid(1)}/edit", f"/projects/{uid(1)}/edit", {"name": "Mine"}),
    "milestone": (
        CLARA,
        f"/milestones/{uid(104)}/edit?project_id={uid(1)}",
        f"/milestones/{uid(104)}/edit",
        {"name": "Mine"},
    ),
    "roles": (ANNA, f"/team/{FELIX_ID}", f"/team/{FELIX_ID}", {f"role-{uid(2)}": "viewer"}),
    "brand": (CLARA, "/brand", "/brand", {"name": "Nordlicht"}),
    "policies": (CLARA, f"/people/{EMIL_ID}", f"/people/{EMIL_ID}/policies", {"policy-manageApiClients": "on"}),
}


def stored_by(standin) -> list[dict]:
    """What the forms are over."""
    things = [standin.person(FELIX_ID), standin.person(EMIL_ID), standin.state["draft"]]
    projects = standin.state["projects"]
    return [*things, *projects, *(step for each in projects for step in each["milestones"])]


@pytest.mark.parametrize(("who", "page", "action", "mine"), FORMS.values(), ids=FORMS)
async def test_a_form_is_sent_again_once(browse, standin, who, page, action, mine):
    browser = browse(who)
    opened = typed((await browser.get(page, follow_redirects=True)).text, f'action="{action}"')
    for each in stored_by(standin):
        each["version"] = Moving(each.get("version", 1))
    standin.state["chosen"] = Moving(standin.state["chosen"])
    answer = await browser.post(action, data={**opened, **mine})
    assert answer.status_code == 412
    assert "Somebody changed this" in answer.text
    assert len([call for call in standin.calls if call.method in ("PATCH", "PUT")]) == 2


@pytest.mark.parametrize(("who", "page", "action", "mine"), FORMS.values(), ids=FORMS)
async def test_a_form_that_says_more_of_what_it_opened_than_it_holds_is_saved(browse, standin, who, page, action, mine):
    browser = browse(who)
    opened = typed((await browser.get(page, follow_redirects=True)).text, f'action="{action}"')
    forged = {"version": "99999", "opened": f"{opened['opened']} version:deadbeef opened:deadbeef"}
    assert (await browser.post(action, data={**opened, **mine, **forged})).status_code == 303


def test_dates_and_numbers_are_read_or_marked():
    form = Form(
        {"due": "2026-03-12", "odd": "12.03.2026", "none": "", "percent": "101", "half": "0.5", "many": "9" * 5000}
    )
    assert str(form.day("due")) == "2026-03-12"
    assert form.day("none") is None
    assert form.day("odd") is None
    assert [form.whole(name, 0, 100) for name in ("percent", "half", "many", "none")] == [None] * 4
    assert {name for name, words in form.errors.items() if words} == {"odd", "percent", "half", "many"}
