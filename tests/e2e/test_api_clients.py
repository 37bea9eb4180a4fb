"""Staff let a partner system in, give it a new secret, and end its access, in Chromium and without scripts."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Sit, choose
from tests.portal_stack import Portal


def shown(page: Page, name: str) -> str:
    """What stands under a name on the page that shows a secret once."""
    return (
        page.locator("div", has=page.locator("dt", has_text=re.compile(f"^{name}$"))).last.locator("code").inner_text()
    )


def test_a_secret_is_copied_and_its_access_ended(portal: Portal, sit: Sit) -> None:
    with sit("admin") as staff:
        page = staff.page
        staff.context.grant_permissions(["clipboard-read", "clipboard-write"])
        staff.open("/api-clients/new")
        page.get_by_label("Name").fill("Warehouse")
        choose(page, "Access to", "Birch Ltd")
        expect(page.get_by_label("Public keys", exact=True)).to_be_hidden()
        page.get_by_role("button", name="Create API client").click()
        expect(page.get_by_text("Choose at least one scope.")).to_be_visible()
        page.get_by_label("See projects and their plans").check()
        page.get_by_role("button", name="Create API client").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Save this secret")
        made = {"id": shown(page, "Client id"), "client_secret": shown(page, "Client secret")}
        page.get_by_role("button", name="Copy client secret").click()
        expect(page.get_by_text("Copied", exact=True)).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == made["client_secret"]
        partner = portal.client()
        partner.headers["authorization"] = f"Bearer {portal.token(made)}"
        assert partner.get("/oauth/whoami").json()["scopes"] == ["projects:read"]

        page.get_by_role("link", name="I have saved it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Warehouse")
        assert made["client_secret"] not in page.content()
        page.get_by_role("link", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke access").click()
        expect(page.get_by_text("Its access has ended.")).to_be_visible()
        portal.until(lambda: partner.get("/oauth/whoami").status_code == 401)
        assert [each for each in staff.complaints if "422" not in each] == []


def test_a_new_secret_without_scripts(portal: Portal, sit: Sit) -> None:
    made = portal.api_client(None, "projects:read", name="Nightly import")
    with sit("admin", scripts=False, narrow=True) as staff:
        page = staff.page
        staff.open(f"/api-clients/{made['id']}")
        page.get_by_role("link", name="New secret").click()
        page.get_by_label("Invalid at once").check()
        page.get_by_role("button", name="Create new secret").click()
        renewed = shown(page, "Client secret")
    ask = {"data": {"grant_type": "client_credentials"}}
    assert portal.client().post("/oauth/token", auth=(made["id"], made["client_secret"]), **ask).status_code == 401
    assert portal.client().post("/oauth/token", auth=(made["id"], renewed), **ask).status_code == 200
