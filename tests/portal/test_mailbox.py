"""The mailbox of a trial installation: what mails contain is shown, and can do nothing."""

from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest

from services.portal.mailbox import views
from shared.errors import NotFound

NAME = "01795288000000000000-001"
MAIL = """X-Envelope-To: anna@acme.example\r
From: Northwind <portal@northwind.example>\r
Subject: =?utf-8?q?Anmelden_=3Cb=3Ejetzt=3C/b=3E?=\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=x\r
\r
--x\r
Content-Type: text/plain; charset=utf-8\r
\r
Open http://localhost:8080/sign-in/link?token=abc&x=1 now <script>alert(1)</script>\r
--x\r
Content-Type: text/html; charset=utf-8\r
\r
<p>Open <a href="http://localhost:8080/sign-in/link?token=abc">this</a><script>alert(1)</script></p>\r
--x--\r
"""


@pytest.fixture
def mails(web) -> Path:
    folder = Path(web.state.settings.mailbox_dir)
    (folder / f"{NAME}.eml").write_bytes(MAIL.encode())
    return folder


@pytest.fixture
async def owner(browse, web):
    """Who came with the address that the start printed."""
    browser = browse()
    answer = await browser.get("/mailbox", params={"token": web.state.settings.mailbox_token})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/mailbox")
    return browser


@pytest.mark.parametrize("token", ["", "a-token", "a-token-of-the-mailboy"])
async def test_mails_are_for_who_has_the_token(browse, mails, token):
    browser = browse()
    browser.cookies.set("portal_mailbox", token)
    page = await browser.get("/mailbox", params={"token": token} if token else {})
    assert page.status_code == 403
    assert "The mailbox is locked" in page.text
    assert "anna@acme.example" not in page.text
    for path in (f"/mailbox/{NAME}", f"/mailbox/{NAME}/html"):
        assert (await browser.get(path)).status_code == 404


async def test_without_a_token_of_its_own_there_is_no_mailbox(browse, web, mails):
    settings = web.state.settings
    web.state.settings = msgspec.structs.replace(settings, mailbox_token="")
    try:
        assert (await browse().get("/mailbox")).status_code == 404
        assert (await browse().get("/mailbox", params={"token": ""})).status_code == 404
    finally:
        web.state.settings = settings


async def test_mails_are_listed_for_the_owner_of_a_trial(owner, mails):
    page = await owner.get("/mailbox")
    assert "anna@acme.example" in page.text
    assert "Anmelden &lt;b&gt;jetzt" in page.text


async def test_a_picture_that_a_mail_carries_is_shown(owner, mails):
    """The frame loads nothing, not even from us."""
    message = EmailMessage()
    message["From"] = "portal@northwind.example"
    message.set_content("Hello")
    message.add_alternative('<img src="cid:logo" alt="Northwind"><p>cid:logo</p>', subtype="html")
    page = message.get_payload(1)
    page.add_related(b"a picture", "image", "png", cid="<logo>")
    (mails / f"{NAME}.eml").write_bytes(message.as_bytes())
    answer = await owner.get(f"/mailbox/{NAME}/html")
    assert '<img src="data:image/png;base64,YSBwaWN0dXJl" alt="Northwind"><p>cid:logo</p>' in answer.text
    assert "img-src data:;" in answer.headers["content-security-policy"]


async def test_the_text_is_text_and_its_link_is_a_link(owner, mails):
    page = await owner.get(f"/mailbox/{NAME}")
    assert '<a href="http://localhost:8080/sign-in/link?token=abc&amp;x=1"' in page.text
    assert "<script>alert" not in page.text
    assert "sandbox=" in page.text


async def test_markup_is_served_into_a_sandbox_only(owner, mails):
    answer = await owner.get(f"/mailbox/{NAME}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


@pytest.mark.parametrize("name", ["..%2f..%2fjwks", "0-0", "x", "01795288000000000000-001.eml"])
async def test_only_mails_of_the_sink_can_be_read(owner, mails, name):
    assert (await owner.get(f"/mailbox/{name}")).status_code == 404


def test_a_file_of_another_name_is_not_a_mail(tmp_path):
    (tmp_path / "note.eml").write_text("Subject: x\n\ny")
    assert views.newest(tmp_path) == []
    with pytest.raises(NotFound):
        views.one(tmp_path, "note")


@pytest.mark.parametrize("change", [{"env": "production"}, {"env": "compose"}, {"mailbox_dir": ""}])
async def test_outside_a_trial_there_is_no_mailbox(owner, web, mails, change):
    settings = web.state.settings
    web.state.settings = msgspec.structs.replace(settings, **change)
    try:
        for path in ("/mailbox", f"/mailbox/{NAME}", f"/mailbox/{NAME}/html"):
            assert (await owner.get(path)).status_code == 404
    finally:
        web.state.settings = settings
