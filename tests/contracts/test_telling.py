"""Every told event has words, and they say what they are made of and nothing else."""

import re
from typing import get_args

import pytest

from services.notifications.rules import RULES
from services.projects.projects.commands import PatchProject
from services.projects.projects.models import Status
from shared.contracts import EVENTS, TOLD
from shared.contracts.accounts import InvitationAccepted, OrganisationJoined
from shared.contracts.projects import ProjectUpdated
from shared.contracts.words.lines import Facts
from shared.contracts.words.telling import FIELDS, LINES, STATUSES, advise, keep, say, who
from shared.events import EventData
from shared.language import gettext, speaking
from tests.contracts.samples import sample
from tests.pseudo import LANGUAGE, plain_words


def told(data: EventData, *hidden: str) -> tuple[str, ...]:
    return say(data.type, bytes(keep(data)).decode(), hidden)


def test_what_anybody_is_told_has_a_line_and_nothing_else_has() -> None:
    """In the feed, or by the bell."""
    assert set(LINES) == {kind.type for kind in (*TOLD, *RULES)}


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.type)
def test_what_the_bell_tells_is_a_sentence(kind: type[EventData]) -> None:
    words = say(kind.type, bytes(keep(sample(kind))).decode())
    assert words.title
    assert not {"{", "}"} & {*words.title, *words.description}


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.type)
def test_an_event_is_told_by_the_name_of_what_it_happened_to(kind: type[EventData]) -> None:
    """A line of which a word is missing raises, and one that tells of nothing by name is none."""
    data = sample(kind)
    words = say(kind.type, bytes(keep(data)).decode())
    assert data.name in words.title  # type: ignore[attr-defined]
    assert LINES[kind.type].occasion
    assert not {"{", "}"} & {*words.title, *words.description}
    assert words.many == "" or words.many.count("{count}") == 1


def test_a_field_that_is_hidden_by_now_is_not_named() -> None:
    data = ProjectUpdated(
        name="Shop", status="on_track", version=2, fields=["ends_on", "name", "scope"], hidden=["scope"]
    )
    assert told(data)[:2] == ("changed Shop", "Planned end, name")
    assert told(data, "ends_on", "scope")[:2] == ("changed Shop", "Name")


@pytest.mark.parametrize("kind", dict.fromkeys((*TOLD, *RULES)), ids=lambda kind: kind.type)
def test_nothing_of_an_entry_is_left_in_english(kind: type[EventData]) -> None:
    data = sample(kind)
    facts = bytes(keep(data)).decode()
    for status in getattr(data, "new", ""), "completed", "at_risk":
        words = say(kind.type, facts.replace(f'"new":"{getattr(data, "new", "")}"', f'"new":"{status}"'), (), LANGUAGE)
        said = " ".join(words).replace("{count}", "")
        for name in filter(None, (getattr(data, field, "") for field in ("name", "project_name", "host"))):
            said = said.replace(name, "")
        assert plain_words(re.sub(r"\d+ [A-Z][a-z]{2} \d{4}", "", said)) == []
    with speaking(LANGUAGE):
        assert plain_words(who("") + gettext(LINES[kind.type].occasion)) == []
        for reason in getattr(data, "reason", ""), "totp":
            assert plain_words(advise(kind.type, Facts(reason=reason))) == []


def test_who_registered_was_not_invited() -> None:
    titles = [told(InvitationAccepted(registered=registered))[0] for registered in (True, False)]
    assert titles == ["registered for the portal", told(OrganisationJoined())[0]]


def test_what_people_read_of_a_project_has_words() -> None:
    """A field or a status without them would be told by its name in the contract, in every language."""
    assert {*PatchProject.__struct_fields__} - {"status"} == {*FIELDS}
    assert {*get_args(Status)} == {*STATUSES}


def test_an_event_of_a_newer_version_is_told_by_its_type() -> None:
    assert "milestone_postponed" not in EVENTS
    assert say("milestone_postponed", "{}") == ("milestone postponed", "", "", "", "")


def test_what_nobody_did_was_the_portal() -> None:
    assert (who(""), who("Jonas Weber"), who("דנה")) == ("The portal", "Jonas Weber", "\u2068דנה\u2069")
