"""Feed and figures in the language of who reads them."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from shared.actor import Actor
from shared.clock import today, uuid7
from shared.contracts.identity import ClientCreated
from shared.language import day, gettext, speaking
from tests.activity.build import ACME, ANNA, milestone_completed, milestone_created, project_created
from tests.activity.build import status_changed as changed
from tests.activity.rig import Rig
from tests.activity.sse import Browser

RELAUNCH = uuid7()
GERMAN = {"Accept-Language": "de-AT, en;q=0.1"}
SAID = "Clara Hoffmann hat Website relaunch auf „gefährdet“ gesetzt"


@pytest.fixture(scope="module", autouse=True)
async def history(rig: Rig) -> None:
    await rig.publish(ClientCreated(name="Acme GmbH"), ACME)
    await rig.publish(project_created(), RELAUNCH)
    await rig.publish(milestone_created(RELAUNCH, target_on=today() + timedelta(days=9)))
    await rig.publish(changed("at_risk"), RELAUNCH)
    await rig.settle()


async def read(rig: Rig, path: str, actor: Actor = ANNA) -> Any:
    answer = await rig.api(actor, "GET", path, headers=GERMAN)
    assert (answer.status_code, answer.headers["Content-Language"], answer.headers["Vary"]) == (
        200, "de", "Accept-Language",
    )  # fmt: skip
    return answer.json()


async def test_the_feed_is_told_in_the_language_that_is_accepted(rig: Rig) -> None:
    told = {each["type"]: each for each in (await read(rig, "activity"))["items"]}
    assert told["project_status_changed"]["title"] == SAID
    assert told["project_status_changed"]["description"] == "Zuvor: im Plan"
    english = await rig.api(ANNA, "GET", "activity")
    titles = [each["title"] for each in english.json()["items"]]
    assert "Clara Hoffmann marked Website relaunch as at risk" in titles
    assert english.headers["Content-Language"] == "en"


async def test_figures_are_kept_for_each_language(rig: Rig) -> None:
    english = {each["key"]: each for each in (await rig.api(ANNA, "GET", "kpis")).json()["items"]}
    german = {each["key"]: each for each in (await read(rig, "kpis"))["items"]}
    assert {key: each["label"] for key, each in german.items()} == {
        "active_projects": "Laufende Projekte",
        "milestones_completed": "Abgeschlossene Meilensteine",
        "next_deadline": "Nächster Termin",
    }
    assert english["active_projects"]["label"] == "Active projects"
    assert german["active_projects"]["comparison_label"] == "neu in diesem Monat"
    texts = ("label", "comparison_label")
    for key, each in german.items():
        assert {name: value for name, value in each.items() if name not in texts} == {
            name: value for name, value in english[key].items() if name not in texts
        }


async def test_the_overview_is_in_the_language_as_a_whole(rig: Rig) -> None:
    overview = await read(rig, "overview")
    assert SAID in [each["title"] for each in overview["newest"]["items"]]
    assert overview["kpis"]["items"][0]["label"] == "Laufende Projekte"


async def test_each_stream_tells_in_the_language_it_was_opened_in(rig: Rig, browser: Browser) -> None:
    async with browser.open(ANNA, language="de") as german, browser.open(ANNA) as english:
        await asyncio.gather(german.begun(), english.begun())
        await rig.publish(milestone_completed(RELAUNCH, "Go-live"))
        told = {name: await source.next() for name, source in (("de", german), ("en", english))}
    assert told["de"].data["title"] == "Clara Hoffmann hat Go-live abgeschlossen"
    assert told["en"].data["title"] == "Clara Hoffmann finished Go-live"
    assert told["de"].id == told["en"].id


@pytest.mark.parametrize(("language", "words"), [("en", "since 9 Mar"), ("de", "seit 9. März")])
def test_days_of_figures_are_written_as_in_the_language(language: str, words: str) -> None:
    with speaking(language):
        assert gettext("since {day}", day=day(date(2026, 3, 9), "MMM")) == words
