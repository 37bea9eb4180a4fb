"""A draft is tried before it is published, and everybody sees what was published."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx2
import msgspec
import pytest
from PIL import Image

from services.identity.brand.models import THE_BRAND
from shared.actor import Actor
from tests.identity.pictures import files
from tests.identity.rig import ADMIN, Identity, colleague_of, staff

CLARA = staff("manageBrand")


@pytest.fixture(autouse=True)
async def nothing_chosen(identity: Identity) -> AsyncIterator[None]:
    """There is one brand for all tests: each leaves none behind."""
    yield
    await identity.execute("delete from brands")
    await identity.execute("delete from brand_images")


async def seen(identity: Identity, by: Actor | None = None) -> dict[str, Any]:
    answer = await identity.api(by, "GET", "brand")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def draft(identity: Identity, **changes: Any) -> httpx2.Response:
    return await identity.api(CLARA, "PATCH", "brand/draft", json=changes)


async def logo(identity: Identity, file: bytes) -> httpx2.Response:
    return await identity.api(CLARA, "PUT", "brand/draft/logo", json={"image": base64.b64encode(file).decode()})


async def publish(identity: Identity, by: Actor = CLARA) -> httpx2.Response:
    return await identity.api(by, "POST", "brand/publish")


async def told(identity: Identity, kind: str) -> list[Any]:
    return [msgspec.json.decode(each.data) for each in await identity.events(kind, str(THE_BRAND))]


async def test_a_company_that_chose_nothing_has_its_name_and_colour_from_the_settings(identity: Identity) -> None:
    shown = await seen(identity)
    assert (shown["name"], shown["logo_id"], shown["icon_id"], shown["texts"]) == ("Northwind <Studio>", None, None, {})
    assert shown["palettes"]["light"]["accent"] == "#4338ca"
    assert set(shown) == {"name", "logo_id", "logo_ground", "icon_id", "palettes", "texts"}
    answer = await publish(identity)
    assert (answer.status_code, answer.json()["code"]) == (409, "brand.unchanged")


async def test_nobody_sees_a_draft_until_it_is_published(identity: Identity) -> None:
    before = len(await told(identity, "brand_published"))
    ask = await identity.person(first_name="Jonas", last_name="Weber", phone="+49 30 1")
    texts = {"en": {"welcome": "Good to see you.", "ask": ask["id"]}}
    answer = await draft(identity, name="Nordwind", accent="#0b5cad", texts=texts)
    assert answer.json()["changed"] == ["name", "accent", "texts"]
    assert (await seen(identity))["name"] == "Northwind <Studio>"
    assert (await publish(identity)).status_code == 200
    for who in (None, colleague_of(await identity.client()), ADMIN):
        shown = await seen(identity, who)
        asked = {"id": ask["id"], "name": "Jonas Weber", "email": ask["email"], "phone": "+49 30 1"}
        assert (shown["name"], shown["palettes"]["light"]["accent"]) == ("Nordwind", "#0b5cad")
        assert shown["texts"] == {"en": {"welcome": "Good to see you.", "ask": asked}}
    assert (await told(identity, "brand_published"))[before:] == [{"fields": ["name", "accent", "texts"]}]
    await identity.api(ADMIN, "PATCH", f"people/{ask['id']}", json={"active": False})
    assert (await seen(identity))["texts"]["en"]["ask"] is None


async def test_an_accent_that_can_hardly_be_seen_is_not_published_and_the_nearest_is_offered(
    identity: Identity,
) -> None:
    shown = (await draft(identity, accent="#ffee00")).json()
    assert shown["contrast"]["light"] == {"passes": False, "ratio": 1.07, "nearest": "#988e18"}
    assert shown["contrast"]["dark"]["passes"]
    assert shown["palettes"]["light"]["accent"] == "#988e18"
    answer = await publish(identity)
    assert (answer.status_code, answer.json()["code"]) == (422, "brand.accent")
    assert "#988e18" in answer.json()["errors"][0]["message"]
    await draft(identity, accent="#988e18", accent_dark="#111111")
    answer = await publish(identity)
    assert [each["field"] for each in answer.json()["errors"]] == ["accent_dark"]
    await draft(identity, accent_dark=None)
    assert (await publish(identity)).status_code == 200


async def test_a_logo_is_drawn_again_and_an_icon_is_made_of_it(identity: Identity) -> None:
    shown = (await logo(identity, files.file_of("PNG", (900, 800)) + files.SCRIPT)).json()
    images = [await identity.api(None, "GET", f"brand/images/{shown[each]}") for each in ("logo_id", "icon_id")]
    sizes = [Image.open(BytesIO(each.content)).size for each in images]
    assert [each.headers["content-type"] for each in images] == ["image/png"] * 2
    assert sizes == [(180, 160), (64, 64)]
    assert not any(files.SCRIPT in each.content for each in images)
    wide = (await logo(identity, files.file_of("WEBP", (1_000, 100)))).json()
    assert wide["icon_id"] is None
    assert (await identity.api(None, "GET", f"brand/images/{shown['logo_id']}")).status_code == 404
    assert (await publish(identity)).status_code == 200
    without = await identity.api(CLARA, "DELETE", "brand/draft/logo")
    assert without.json()["changed"] == ["logo_id"]
    assert (await identity.api(None, "GET", f"brand/images/{wide['logo_id']}")).status_code == 200


async def test_a_logo_that_is_none_is_refused(identity: Identity) -> None:
    """Drawings run code, photographs have no edges, and what is large is not looked at."""
    drawing, photograph = files.BAD["a drawing"][0], files.GOOD["jpeg"]
    for file, said in (
        (drawing, "Choose a PNG or WebP file."),
        (photograph, "Choose a PNG or WebP file."),
        (files.BAD["a bomb"][0], "It may have 12 million."),
        (files.BAD["half a png"][0], "cannot be read to its end"),
        (files.GOOD["png"] + bytes(256 * 1024), "a logo may have 256 KB at most"),
        (files.file_of("PNG", (15, 15)), "it has to be 16 wide and 16 high"),
        (files.file_of("PNG", (4_000, 40)), "it has to be 16 wide and 16 high"),
        (files.see_through(), "it is transparent all over"),
    ):
        answer = await logo(identity, file)
        assert (answer.status_code, answer.json()["code"]) == (422, "picture.refused")
        assert said in answer.json()["errors"][0]["message"]
    assert await identity.execute("select 1 from brand_images") == []


async def test_a_draft_is_discarded_whole(identity: Identity) -> None:
    await draft(identity, name="Nordwind")
    await logo(identity, files.GOOD["png"])
    assert (await identity.api(CLARA, "DELETE", "brand/draft")).status_code == 204
    shown = (await identity.api(CLARA, "GET", "brand/draft")).json()
    assert (shown["name"], shown["logo_id"], shown["changed"]) == ("Northwind <Studio>", None, [])
    assert await identity.execute("select 1 from brand_images") == []


async def test_it_has_a_policy_of_its_own_and_publishing_asks_for_a_proof(identity: Identity) -> None:
    everything_else = staff(*(ADMIN.policies - {"manageBrand"}))
    stale = msgspec.structs.replace(CLARA, proven_at=None)
    for who in (everything_else, colleague_of(await identity.client())):
        for method, path in (("GET", "draft"), ("PATCH", "draft"), ("DELETE", "draft"), ("POST", "publish")):
            answer = await identity.api(who, method, f"brand/{path}", json={} if method == "PATCH" else None)
            assert answer.status_code == 403, (method, path)
    assert (await identity.api(stale, "PATCH", "brand/draft", json={"name": "Nordwind"})).status_code == 200
    answer = await publish(identity, stale)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.step_up_required")


async def test_who_is_to_be_asked_is_of_the_staff(identity: Identity) -> None:
    client = await identity.person(await identity.client())
    for ask in (client["id"], "01900000-0000-7000-8000-00000000ac3e"):
        answer = await draft(identity, texts={"en": {"ask": ask}})
        assert (answer.status_code, answer.json()["code"]) == (422, "brand.ask")


async def test_two_who_change_the_draft_at_once_lose_nothing(identity: Identity) -> None:
    answers = await asyncio.gather(draft(identity, name="Nordwind"), draft(identity, accent="#0b5cad"))
    assert {each.status_code for each in answers} == {200}
    shown = (await identity.api(CLARA, "GET", "brand/draft")).json()
    assert (shown["name"], shown["accent"], shown["version"]) == ("Nordwind", "#0b5cad", 2)
    late = await identity.api(CLARA, "PATCH", "brand/draft", json={"name": "x"}, headers={"If-Match": '"1"'})
    assert late.status_code == 412


async def test_mails_carry_the_name_the_colour_and_the_logo(identity: Identity) -> None:
    ask = await identity.person(first_name="Jonas", last_name="Weber")
    await draft(identity, name="Nordwind", accent="#0b5cad", texts={"en": {"ask": ask["id"]}})
    await logo(identity, files.file_of("PNG", (900, 800)))
    await publish(identity)
    person = await identity.person(await identity.client())
    browser = await identity.browser()
    await browser.ask_for_link(person["email"])
    mail = await identity.mail_to(person["email"])
    assert (mail.message["Subject"], mail.message["From"]) == ("Sign in to Nordwind", "Nordwind <n@n.example>")
    assert mail.message["X-Envelope-From"] == "n@n.example"
    assert "background:#0b5cad" in mail.html
    assert '<img src="cid:logo" width="90" height="80" alt="Nordwind"' in mail.html
    assert f"Questions? Jonas Weber, {ask['email']}" in mail.text
    images = [part for part in mail.message.walk() if part.get_content_type() == "image/png"]
    assert [part["Content-ID"] for part in images] == ["<logo>"]


async def test_until_a_brand_is_published_the_operators_name_sends_mails(identity: Identity) -> None:
    await draft(identity, name="Nordwind")
    person = await identity.person(await identity.client())
    await (await identity.browser()).ask_for_link(person["email"])
    assert (await identity.mail_to(person["email"])).message["From"] == "Northwind <n@n.example>"


async def test_a_pale_logo_is_shown_on_a_dark_ground(identity: Identity) -> None:
    """The picture stays see-through: where pages are dark it lies on them."""
    shown = [(await logo(identity, files.see_through(each, each))).json()["logo_ground"] for each in ("black", "white")]
    assert shown == ["light", "dark"]
    await publish(identity)
    assert (await seen(identity))["logo_ground"] == "dark"
    person = await identity.person(await identity.client())
    await (await identity.browser()).ask_for_link(person["email"])
    mail = await identity.mail_to(person["email"])
    assert re.search(r'<td bgcolor="#171b21" [^>]*border-radius[^>]*><img src="cid:logo"', mail.html)
