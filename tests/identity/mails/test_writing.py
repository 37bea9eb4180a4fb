"""How mails read: every kind in every language, and other people's words among ours."""

import re
from html import unescape
from string import ascii_letters
from typing import Any

import pytest
from jinja2 import meta
from markupsafe import escape
from msgspec import structs

from services.identity.brand.colours import readable_on
from services.identity.mails.models import KINDS, Draft, Letter
from services.identity.mails.wording import address, duration, name, plain, sentence, title
from services.identity.mails.writing import FORMS, HERE, LANGUAGES, Look, Writing
from shared.clock import uuid7
from shared.language import speaking
from tests.identity.rig import Mail
from tests.pseudo import LANGUAGE, plain_words

WRITING = Writing(
    public_url="https://portal.example/", sender="N <n@n.example>", company="Nord & Süd", brand_color="#ffee00"
)
TOKEN = "Xy1-Zq_9" * 5 + "Xy1"
"""No word that a mail must not have stands in it, as one may by chance in a random one."""
AT = "2026-03-09T08:05:00+01:00"
WORDS: dict[str, dict[str, Any]] = {
    "invitation": {"client": "Acme GmbH", "by": "Lena Fuchs", "primary": ""},
    "registration": {"client": "Acme GmbH"},
    "email_change": {"new": "neu@acme.example"},
    "email_change_notice": {"new": "neu@acme.example"},
    "new_device": {"device": "Firefox 140, Linux", "ip": "192.0.2.7", "at": AT},
    "password_changed": {"at": AT},
    "two_factor_changed": {"change": "on", "at": AT},
    "passkey_added": {"passkey": "Laptop", "at": AT},
    "access_ended": {"client": "Acme GmbH"},
    "notification": {
        "sentence": "Jonas Weber finished Visual design.",
        "project": "Website 2027",
        "client": "Acme GmbH",
        "detail": "Due on 6 Dec 2026.",
        "fixed": "",
        "host": "hooks.partner.example",
        "ip": "192.0.2.7",
        "at": AT,
    },
}
LASTS = {
    "en": {600: "10 minutes", 3600: "1 hour", 86400: "1 day", 1209600: "14 days"},
    "de": {600: "10 Minuten", 3600: "1 Stunde", 86400: "1 Tag", 1209600: "14 Tage"},
}
CHOOSING = "https://portal.example/settings#notifications"
ALL = [(kind, language) for kind in KINDS for language in LANGUAGES]


def letter(kind: str, language: str = "en", name: str = "Anna", **words: Any) -> Letter:
    secrets = {"token": TOKEN if KINDS[kind].page else ""}
    if kind in ("sign_in_link", "step_up_code"):
        secrets["code"] = "012345"
    draft = Draft(language, name, **secrets, words=WORDS.get(kind, {}) | words)
    return Letter(uuid7(), 2, kind, "anna@acme.example", draft)


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_every_kind_in_every_language(kind: str, language: str) -> None:
    sent = letter(kind, language)
    mail = Mail(WRITING.compose(sent))
    assert mail.message["Content-Language"] == language
    assert ("Nord & Süd" in mail.message["Subject"]) == (kind != "notification")  # the sender says it
    assert "Nord & Süd" in mail.text
    assert "Nord &amp; Süd" in mail.html
    assert ("Guten Tag Anna," if language == "de" else "Hello Anna,") in mail.text
    assert f'<html lang="{language}">' in mail.html
    for part in (mail.text, mail.html):
        assert not re.search(r"[{}]{2}|{%|Undefined|None", part)
        for word in ("Acme GmbH", "Lena Fuchs", "neu@acme.example", "192.0.2.7", "Laptop"):
            assert (word in part) == (word in WORDS.get(kind, {}).values())
    if KINDS[kind].lasts:
        lasts = LASTS[language][int(KINDS[kind].lasts.total_seconds())]
        assert lasts in mail.text
        assert lasts in mail.html
    if "at" in WORDS.get(kind, {}):
        assert ("9. März 2026 um 07:05 UTC" if language == "de" else "9 March 2026, 07:05 UTC") in mail.text


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_mails_that_somebody_may_do_without_lead_to_where_that_is_chosen(kind: str, language: str) -> None:
    mail = Mail(WRITING.compose(letter(kind, language)))
    words = "Wählen, welche E-Mails Sie erhalten" if language == "de" else "Choose which mails you get"
    optional = kind == "notification"
    assert (f"{words}:\n\n{CHOOSING}\n" in mail.text, CHOOSING in mail.text) == (optional, optional)
    assert (f'<a href="{CHOOSING}"' in mail.html, words in mail.html) == (optional, optional)
    if optional:
        fixed = Mail(WRITING.compose(letter(kind, language, fixed="yes")))
        assert CHOOSING not in fixed.text + fixed.html


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
        assert "http" not in (mail.text + mail.html).replace(CHOOSING, "")
    if sent.draft.code:
        assert mail.code == "012345"
        assert "012 345" in mail.html
    assert not re.search(r"src=|url\(|<link|<img|<script", mail.html)


def test_every_kind_has_a_text() -> None:
    assert {path.stem for path in (HERE / "texts").iterdir()} == {*KINDS, "common"}


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((kind, {}) for kind in KINDS),
    *(("two_factor_changed", {"change": change}) for change in ("off", "codes", "reset")),
    *(("invitation", {"by": by, "client": client, "primary": "yes"}) for by in ("", "Lena") for client in ("", "Acme")),
    ("registration", {"client": ""}),
    ("email_change", {"new": ""}),
    ("email_change_notice", {"new": ""}),
    ("passkey_added", {"passkey": ""}),
    ("notification", {"sentence": "", "project": "", "client": "", "detail": ""}),
]


@pytest.mark.parametrize("projects", [[], [("Relaunch", "approver"), ("Shop", "viewer"), ("App", "feedback_only")]])
@pytest.mark.parametrize(("kind", "words"), VARIANTS)
def test_nothing_of_a_mail_is_left_in_english(
    kind: str, words: dict[str, Any], projects: list[tuple[str, str]]
) -> None:
    told = letter(kind, LANGUAGE, **words)
    told = structs.replace(told, draft=structs.replace(told.draft, projects=projects, more=2))
    mail = Mail(WRITING.compose(told, structs.replace(WRITING._look, ask={LANGUAGE: ("Jonas", "jonas@n.example")})))
    others = [*(str(value) for value in told.draft.words.values()), *(name for name, _ in projects)]
    others += [
        str(told.draft.words.get("sentence", "")).removesuffix("."),
        "Nord & Süd",
        "9 March 2026",
        "Anna",
        "Jonas",
        "jonas@n.example",
    ]
    for part in (mail.message["Subject"], mail.text, unescape(re.sub(r"<[^>]*>", " ", mail.html))):
        said = re.sub(r"https?://\S+", "", part)
        for each in sorted(filter(None, others), key=len, reverse=True):
            said = said.replace(each, "")
        assert plain_words(said) == []
        assert said.strip()


NAMES = (
    "Anna",
    "Jean-Luc O'Neil",
    "D\u2019Arcy",
    "Dr. Zo\u00eb \u0141.",
    "Ma\u00ed M\u0101ori",
    "\u674e \u5c0f\u9f8d",
    "\u0928\u0947\u0939\u093e",
)
NO_NAMES = (
    "Urgent: verify at evil-portal.com",
    *("evil-portal.com", "www.evil.example", "https://evil.example", "evil.example/x", "me@evil.example", "a\uff0ecom"),
    *(
        "evil\u3002com",
        "evil\u2024com",
        "Call +49 30 1234567",
        "A\r\nBcc: all@acme.example",
        "Anna\x1b[31m",
        "Anna\u2028B",
    ),
    *(
        "Anna\u202egnp.exe",
        "An\u200bna",
        "<b>Anna</b>",
        "{{ company }}",
        "Anna \U0001f512",
        "R2D2",
        "a,b",
        ".com",
        "x..y",
    ),
)


def words_of(kind: str) -> set[str]:
    """All that the text of a kind leaves open."""
    text = (HERE / "texts" / f"{kind}.jinja").read_text()
    return meta.find_undeclared_variables(WRITING._texts.parse(text)) - {"_", "gettext", "ngettext"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_said_as_it_is(name: str, language: str) -> None:
    mail = Mail(WRITING.compose(letter("invitation", language, name=name, client=name)))
    assert mail.text.count(name) == 2
    assert escape(name) in mail.html


@pytest.mark.parametrize(
    ("language", "primary", "said"),
    [
        ("en", "", ["Your project roles:", "- Shop 2027 & app: Approver", "- Relaunch: Viewer", "- 3 more"]),
        ("de", "", ["Ihre Rollen in den Projekten:", "- Shop 2027 & app: Freigabe", "- 3 weitere"]),
        (
            "en",
            "yes",
            ["As a primary contact you can open every project of Acme GmbH. Your roles:", "- Relaunch: Viewer"],
        ),
    ],
)
def test_an_invitation_says_what_it_leads_to(language: str, primary: str, said: list[str]) -> None:
    told = letter("invitation", language, primary=primary)
    projects = [("Shop 2027 & app", "approver"), ("Relaunch", "viewer"), ("Call 0301234567", "viewer")]
    mail = Mail(WRITING.compose(structs.replace(told, draft=structs.replace(told.draft, projects=projects, more=2))))
    for line in said:
        assert f"\n{line}\n" in mail.text
        assert f">{escape(line.removeprefix('- '))}<" in mail.html
    assert "0301234567" not in mail.text + mail.html


def test_a_right_to_left_name_keeps_to_itself() -> None:
    mail = Mail(WRITING.compose(letter("invitation", name="\u05d0\u05e0\u05d4")))
    assert "Hello \u2068\u05d0\u05e0\u05d4\u2069," in mail.text
    for kept in (title, plain, address):
        text = "\u05d0\u05e0\u05d4" + ("@acme.example" if kept is address else "")
        assert kept(text) == f"\u2068{text}\u2069"


def test_each_character_that_is_no_part_of_a_name_is_enough() -> None:
    """Whatever a mail program may make a link of begins with one of them."""
    others = {chr(number) for number in range(128)} - set(" '-") - set(ascii_letters)
    assert {each for each in others if name(f"Anna{each}Keller")} == set()
    assert {each for each in others if name(f"Anna {each}")} == {"."}


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_strangers_have_the_company_say_nothing_but_a_name(kind: str, language: str) -> None:
    """In every place of every mail that a word fills: what is no name is left out, and the mail reads well without."""
    told = letter(kind, language)
    words = words_of(kind) - {"advice", "company", "name", "lasts", "projects", "more", "welcome"}
    assert words == set(WORDS.get(kind, {}))
    without = dict.fromkeys(words - {"at", "change", "primary"}, "")
    bare = WRITING.compose(
        structs.replace(told, draft=structs.replace(told.draft, name="", words=told.draft.words | without, more=1))
    )
    for bad in NO_NAMES:
        worse = bad if not title(bad) else "evil.example"  # what is no name can be the title of a project
        names = {each: worse if FORMS.get(each) in (title, sentence) else bad for each in without}
        names |= {"host": f"{bad}/x"} if "host" in without else {}
        filled = told.draft.words | names
        draft = structs.replace(told.draft, name=bad, words=filled, projects=[(worse, "viewer")])
        if "new" in words and "@" in bad and "\n" not in bad:
            continue  # an address is what this mail has to name
        written = WRITING.compose(structs.replace(told, draft=draft))
        assert (written["Subject"], Mail(written).text) == (bare["Subject"], Mail(bare).text), bad
        assert Mail(written).html == Mail(bare).html, bad


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Firefox 140, Mac OS X 10", "Firefox 140, Mac OS X 10"),
        ("evil-portal.com-bot 1, Linux", "Linux"),
        ("verify at evil.com bot", "Unknown browser"),
    ],
)
def test_what_a_browser_calls_itself_is_no_message(said: str, shown: str) -> None:
    assert f"\n{shown}, from the address 192.0.2.7," in Mail(WRITING.compose(letter("new_device", device=said))).text


def test_an_address_looks_like_one_and_like_nothing_else() -> None:
    for email, shown in (("n\u00fc+x@acme.example", True), ("evil.example/verify?x@y.example", False)):
        assert (email in Mail(WRITING.compose(letter("email_change_notice", new=email))).text) is shown


def test_a_company_cannot_forge_headers_either() -> None:
    odd = Writing(public_url="http://p", sender="n@n.example", company="N\r\nBcc: x@y.example", brand_color="#000000")
    message = odd.compose(letter("invitation"))
    assert message["Bcc"] is None
    assert message["Subject"] == "Invitation to the client portal of N Bcc: x@y.example"
    message = odd.compose(
        letter("invitation"), Look("N", "#000000", sender="N\r\nBcc: x@y.example, <b@y.example>\u202e")
    )
    assert (message["Bcc"], message["From"]) == (None, '"N Bcc: x@y.example, <b@y.example>" <n@n.example>')


def test_the_mail_says_where_it_comes_from() -> None:
    sent = letter("invitation")
    message = WRITING.compose(sent)
    assert message["From"] == "N <n@n.example>"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_again_has_an_id_of_its_own_only_with_a_secret_of_its_own(kind: str) -> None:
    """A mail program drops the second of two with one id, which would be the one whose link works."""
    sent = letter(kind)
    number = 2 if sent.draft.token or sent.draft.code else 1
    assert WRITING.compose(sent)["Message-ID"] == f"<{sent.id}.{number}@portal.example>"


def test_a_long_word_stays_in_its_mail_and_the_colours_are_the_light_ones_everywhere() -> None:
    """The mail has one set of colours, so no program is to expect another."""
    html = Mail(WRITING.compose(letter("notification"))).html
    assert "overflow-wrap:anywhere" in html.partition("<h1")[0]
    assert '<meta name="color-scheme" content="light">' in html


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
    assert [duration(60), duration(5400)] == ["1 minute", "90 minutes"]
    with speaking("de"):
        assert [duration(7200), duration(86400)] == ["2 Stunden", "1 Tag"]
    with pytest.raises(ValueError, match="whole number"):
        duration(30)
    assert plain("  Anna \t Keller ") == "Anna Keller"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_happened_is_said_with_whose_it_is(language: str) -> None:
    """Staff have many clients, and a client's people may be in several. Lists of mails show the beginning of a subject,
    beside who sends it: what happened comes first, and the company is not said again.
    """
    said = "Jonas Weber finished Visual design."
    for client, subject, line in (
        ("Acme GmbH", "Jonas Weber finished Visual design · Acme GmbH", f"Acme GmbH: {said}"),
        ("evil.example", "Jonas Weber finished Visual design", said),
    ):
        mail = Mail(WRITING.compose(letter("notification", language, client=client)))
        assert mail.message["Subject"] == subject
        assert f"\n\n{line}\n\n" in mail.text
        assert f">{escape(line)}</p>" in mail.html


def test_each_link_of_a_notification_says_in_whose_portal_its_page_is() -> None:
    here = uuid7()
    for path, link in (
        ("/projects/1#milestone-2", f"/projects/1?organisation={here}#milestone-2"),
        ("/shared?key=Xy1-Zq_9", f"/shared?organisation={here}&key=Xy1-Zq_9"),
        ("/team", f"/team?organisation={here}"),
    ):
        sent = letter("notification")
        mail = Mail(
            WRITING.compose(structs.replace(sent, draft=structs.replace(sent.draft, path=path, organisation=here)))
        )
        assert f"\nhttps://portal.example{link}\n" in mail.text
        assert f"\nhttps://portal.example/settings?organisation={here}#notifications\n" in mail.text
        assert str(escape(f'href="https://portal.example{link}"')).replace("&#34;", '"') in mail.html
