"""How mails read: every kind in every language, and other people's words among ours."""

import re
from typing import Any

import pytest

from services.identity.mails.models import KINDS, Draft, Letter
from services.identity.mails.wording import duration, plain, readable_on
from services.identity.mails.writing import LANGUAGES, Writing
from services.identity.tokens import new_token
from shared.clock import uuid7
from tests.identity.rig import Mail

WRITING = Writing(
    public_url="https://portal.example/", sender="N <n@n.example>", company="Nord & Süd", brand_color="#ffee00"
)
AT = "2026-03-09T08:05:00+01:00"
WORDS: dict[str, dict[str, Any]] = {
    "invitation": {"client": "Acme GmbH"},
    "registration": {"client": "Acme GmbH"},
    "email_change": {"new": "neu@acme.example"},
    "email_change_notice": {"new": "neu@acme.example"},
    "new_device": {"device": "Firefox 140, Linux", "ip": "192.0.2.7", "at": AT},
    "password_changed": {"at": AT},
    "two_factor_changed": {"change": "on", "at": AT},
    "passkey_added": {"passkey": "Laptop", "at": AT},
}
LASTS = {
    "en": {600: "10 minutes", 3600: "1 hour", 86400: "1 day", 1209600: "14 days"},
    "de": {600: "10 Minuten", 3600: "1 Stunde", 86400: "1 Tag", 1209600: "14 Tage"},
}
ALL = [(kind, language) for kind in KINDS for language in LANGUAGES]


def letter(kind: str, language: str = "en", name: str = "Anna", **words: Any) -> Letter:
    secrets = {"token": new_token() if KINDS[kind].page else ""}
    if kind in ("sign_in_link", "step_up_code"):
        secrets["code"] = "012345"
    draft = Draft(language, name, **secrets, words=WORDS.get(kind, {}) | words)
    return Letter(uuid7(), 2, kind, "anna@acme.example", draft)


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_every_kind_in_every_language(kind: str, language: str) -> None:
    sent = letter(kind, language)
    mail = Mail(WRITING.compose(sent))
    assert mail.message["Content-Language"] == language
    assert "Nord & Süd" in mail.message["Subject"]
    assert "Nord & Süd" in mail.text
    assert "Nord &amp; Süd" in mail.html
    assert ("Guten Tag Anna," if language == "de" else "Hello Anna,") in mail.text
    assert f'<html lang="{language}">' in mail.html
    for part in (mail.text, mail.html):
        assert not re.search(r"[{}]{2}|{%|Undefined|None", part)
        for word in ("Acme GmbH", "neu@acme.example", "192.0.2.7", "Laptop"):
            assert (word in part) == (word in WORDS.get(kind, {}).values())
    if KINDS[kind].lasts:
        lasts = LASTS[language][int(KINDS[kind].lasts.total_seconds())]
        assert lasts in mail.text
        assert lasts in mail.html
    if "at" in WORDS.get(kind, {}):
        assert ("9. März 2026, 07:05 UTC" if language == "de" else "9 March 2026, 07:05 UTC") in mail.text


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_link_and_code_stand_in_both_parts_and_nothing_is_loaded(kind: str, language: str) -> None:
    sent = letter(kind, language)
    mail = Mail(WRITING.compose(sent))
    link = f"https://portal.example/{KINDS[kind].page}?token={sent.draft.token}"
    if KINDS[kind].page:
        assert mail.token == sent.draft.token
        assert f"\n{link}\n" in mail.text
        assert mail.html.count(link) == 2
    else:
        assert "http" not in mail.text + mail.html
    if sent.draft.code:
        assert mail.code == "012345"
        assert "012 345" in mail.html
    assert not re.search(r"src=|url\(|<link|<img|<script", mail.html)


def test_the_texts_of_all_languages_have_the_same_parts() -> None:
    english, german = (WRITING._texts[language].kinds for language in LANGUAGES)
    assert {kind: set(parts) for kind, parts in english.items()} == {kind: set(parts) for kind, parts in german.items()}
    assert set(english) == {*KINDS, "common"}


@pytest.mark.parametrize(
    ("name", "text", "html"),
    [
        ("<b>Anna</b>", "Hello <b>Anna</b>,", "Hello &lt;b&gt;Anna&lt;/b&gt;,"),
        ("Anna\r\nBcc: all@acme.example", "Hello Anna Bcc: all@acme.example,", "Hello Anna Bcc: all@acme.example,"),
        ("Anna\x1b[31m\x00", "Hello Anna [31m,", "Hello Anna [31m,"),
        ("Anna\u202egnp.exe", "Hello Annagnp.exe,", "Hello Annagnp.exe,"),
        ("\u05d0\u05e0\u05d4", "Hello \u2068\u05d0\u05e0\u05d4\u2069,", "Hello \u2068\u05d0\u05e0\u05d4\u2069,"),
        ("{{ company }}", "Hello {{ company }},", "Hello {{ company }},"),
        ("Anna https://evil.example", "Hello,", "Hello,"),
        ("WWW.evil.example", "Hello,", "Hello,"),
    ],
)
def test_a_name_stays_a_name(name: str, text: str, html: str) -> None:
    mail = Mail(WRITING.compose(letter("invitation", name=name, client=name)))
    assert text in mail.text
    assert html in mail.html
    assert mail.message["Bcc"] is None
    assert mail.message["To"] == "anna@acme.example"


def test_a_company_cannot_forge_headers_either() -> None:
    odd = Writing(public_url="http://p", sender="n@n.example", company="N\r\nBcc: x@y.example", brand_color="#000000")
    message = odd.compose(letter("invitation"))
    assert message["Bcc"] is None
    assert message["Subject"].startswith("N Bcc: x@y.example invites")


def test_the_mail_says_where_it_comes_from() -> None:
    sent = letter("invitation")
    message = WRITING.compose(sent)
    assert message["From"] == "N <n@n.example>"
    assert message["Message-ID"] == f"<{sent.id}.2@portal.example>"
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_button_can_be_read_on_any_colour() -> None:
    assert "background:#ffee00;color:#000000" in Mail(WRITING.compose(letter("invitation"))).html
    assert [readable_on(color) for color in ("#4338ca", "#ffffff", "#000000")] == ["#ffffff", "#000000", "#ffffff"]


@pytest.mark.parametrize("change", ["on", "off", "codes", "reset"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_change_of_the_second_factor_has_its_words(change: str, language: str) -> None:
    others = {"on", "off", "codes", "reset"} - {change}
    said = Mail(WRITING.compose(letter("two_factor_changed", language, change=change))).text
    assert said not in {
        Mail(WRITING.compose(letter("two_factor_changed", language, change=each))).text for each in others
    }


def test_durations_in_words() -> None:
    assert [duration(60, "en"), duration(7200, "de"), duration(5400, "en")] == ["1 minute", "2 Stunden", "90 minutes"]
    with pytest.raises(ValueError, match="whole number"):
        duration(30, "en")
    assert plain("  Anna \t Keller ") == "Anna Keller"
