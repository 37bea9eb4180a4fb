"""How the headers of a mail are written: what is read is what was said, in every version of Python."""

import random
import re
from base64 import b64decode
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.utils import parseaddr
from typing import Any

import pytest

from services.identity.mails.headers import AS_SENT, WRITTEN, mailbox

WORDS = [
    *(
        "Übergabe",
        "Schlüsselübergabe",
        "für",
        "Räume",
        "Küche",
        "Südflügel",
        "Büro",
        "Maß",
        "Köln",
        "Zürich",
        "Fassade",
    ),
    *("Lüftung", "Relaunch", "Website", "Phase", "(bald", "fällig).", "[Halle]", "„gefährdet“", "O'Neil,", "C++"),
    *("שלב", "ראשון", "🚀", "👩\u200d👩\u200d👧", "李小龍", "नेहा", "Ze\u0301"),
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrikationsüberwachung",
    "an-ascii-word-that-is-longer-than-any-line-of-a-mail-may-be-before-it-is-to-be-folded-at-a-blank",
]
COMPANIES = ("Northwind Studio", "Müller & Söhne GmbH", "Büro für Räume", "3M", "אנה", 'M\\"S, Ltd.')  # fmt: skip


def generated(number: int) -> list[str]:
    """The same subjects every time."""
    chosen = random.Random(8)
    return [
        f"{chosen.choice(COMPANIES)}: {' '.join(chosen.choices(WORDS, k=chosen.randint(1, 9)))}" for _ in range(number)
    ]


def written(name: str, value: Any) -> str:
    """The lines of one header, as they go out."""
    message = EmailMessage(policy=WRITTEN)
    message[name] = value
    return message.as_bytes(policy=AS_SENT).decode("ascii").removesuffix("\r\n\r\n")


def decoded(lines: str) -> str:
    """As RFC 2047 (5 and 6.2) has it read, word by word."""
    value = lines.replace("\r\n", "")
    words = r"=\?utf-8\?b\?([A-Za-z0-9+/=]+)\?="
    value = re.sub(rf"(?<=\?=) (?={words})", "", value)
    return re.sub(words, lambda word: b64decode(word[1]).decode(), value)


def test_a_subject_is_read_as_it_was_written() -> None:
    for number, subject in enumerate(generated(6000)):
        lines = written("Subject", subject)
        assert decoded(lines.removeprefix("Subject: ")) == subject
        assert number % 20 or str(message_from_bytes(lines.encode(), policy=policy.default)["Subject"]) == subject
        for line in lines.split("\r\n"):
            assert len(line) <= (76 if "=?" in line else 78), line
            assert line.count("=?utf-8?b?") <= 1, line


SIGNS = [
    *("a", "b", " ", "  ", "=?", "?=", "=?utf-8?q?=0D=0ABcc:_x@evil.example?=", "=?utf-8?b?4oCu?=", "?q?", "=0A", ",", ";"),
    *('"', "\\", "<", ">", "@", "(", ")", ":", "ü", "日", "\u2068", "\u2069", "x" * 90, "-"),
]  # fmt: skip


def hostile(number: int) -> list[str]:
    chosen = random.Random(12)
    texts = ["".join(chosen.choices(SIGNS, k=chosen.randint(1, 14))).strip() or "x" for _ in range(number)]
    return [*texts, "a" * 1200, "a" * 70 + " b", "b " * 600 + "b"]


def test_nothing_that_others_wrote_is_read_as_a_header() -> None:
    """As a subject and as a name: who reads it sees the text itself, in lines that every server takes."""
    for text in hostile(3000):
        for name, value in (("Subject", text), ("From", mailbox("n@n.example", text))):
            lines = written(name, value)
            read = message_from_bytes(lines.encode() + b"\r\n\r\n", policy=policy.default)
            assert read.keys() == [name], text
            assert all(len(line) <= 998 for line in lines.split("\r\n"))
            if name == "Subject":
                assert all(len(line) <= 78 for line in lines.split("\r\n"))
                assert decoded(lines.removeprefix("Subject: ")) == text
            else:
                said, address = parseaddr(lines.removeprefix("From: "))
                assert (decoded(said), address) == (text, "n@n.example")


def test_an_address_is_written_as_it_is_whatever_it_looks_like() -> None:
    address = "=?utf-8?q?victim=40evil.example?=@acme.example"
    assert written("To", mailbox(address)) == f"To: {address}"


def test_a_subject_in_ascii_stays_readable_on_the_way() -> None:
    subject = "Northwind Studio: Clara Hoffmann finished Visual design of the new website and of all that goes with it."
    assert written("Subject", subject) == (
        "Subject: Northwind Studio: Clara Hoffmann finished Visual design of the\r\n"
        " new website and of all that goes with it."
    )


@pytest.mark.parametrize("name", [*COMPANIES, *WORDS, "Ä" * 200, "Büro für\u2007Räume"])
@pytest.mark.parametrize("header", ["From", "To"])
def test_a_name_is_read_as_it_was_written_beside_its_address(header: str, name: str) -> None:
    lines = written(header, mailbox("portal@northwind-studio.example", name))
    said, address = parseaddr(lines.removeprefix(f"{header}: "))
    assert (decoded(said), address) == (name, "portal@northwind-studio.example")
    assert all(len(line) <= 78 for line in lines.split("\r\n") if "=?utf-8" in line)


def test_an_address_beyond_ascii_stays_one() -> None:
    message = EmailMessage(policy=WRITTEN)
    message["From"], message["To"] = mailbox("n@n.example", "Büro"), mailbox("jörg@müller.example")
    message["Subject"] = "Grüße für Köln"
    message.set_content("x")
    raw = message.as_bytes(policy=AS_SENT.clone(utf8=True))
    assert "To: jörg@müller.example\r\n".encode() in raw
    read = message_from_bytes(raw, policy=policy.default)
    assert (read["Subject"], read["From"], read["To"]) == (
        "Grüße für Köln",
        "Büro <n@n.example>",
        "jörg@müller.example",
    )


@pytest.mark.parametrize("host", ["portal.example", f"{'a' * 60}.{'b' * 60}.example"])
def test_an_id_is_never_encoded(host: str) -> None:
    for header in ("Message-ID", "In-Reply-To", "References"):
        id_ = f"<thread.01a2294b-8c10-7000-8000-000000000000@{host}>"
        assert written(header, id_).split() == [f"{header}:", id_]


def test_the_name_of_a_file_is_read_as_it_was_written() -> None:
    chosen = random.Random(8)
    for _ in range(100):
        name = f"{' '.join(chosen.choices(WORDS, k=chosen.randint(1, 6)))[:96]}.pdf"
        message = EmailMessage()
        message.set_content("x")
        message.add_attachment(b"x", "application", "pdf", filename=name)
        read = message_from_bytes(message.as_bytes(policy=AS_SENT), policy=policy.default)
        [part] = filter(MIMEPart.get_filename, read.iter_parts())
        assert part.get_filename() == name
