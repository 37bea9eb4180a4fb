"""One form of every address."""

import random
from email.policy import default
from email.utils import parseaddr

import pytest
from aiosmtplib.email import parse_address

from shared.addresses import NotAnAddress, kept_address, kept_domain, shown_address


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("Anna@Acme.example", "anna@acme.example", "anna@acme.example"),
        ("anna@müller-bau.example", "anna@xn--mller-bau-q9a.example", "anna@müller-bau.example"),
        ("anna@XN--MLLER-BAU-Q9A.example", "anna@xn--mller-bau-q9a.example", "anna@müller-bau.example"),
        ("anna@mu\u0308ller-bau.example", "anna@xn--mller-bau-q9a.example", "anna@müller-bau.example"),
        ("anna@mül\u200bler-bau.example", "anna@xn--mller-bau-q9a.example", "anna@müller-bau.example"),
        ("anna@straße.example", "anna@xn--strae-oqa.example", "anna@straße.example"),
        ("anna@acme\u3002example", "anna@acme.example", "anna@acme.example"),
        ("anna@acme.example.", "anna@acme.example", "anna@acme.example"),
        ("ju\u0308rgen@acme.example", "jürgen@acme.example", "jürgen@acme.example"),
        ("JÜRGEN@acme.example", "jürgen@acme.example", "jürgen@acme.example"),
        ("o'neil+bills@acme.example", "o'neil+bills@acme.example", "o'neil+bills@acme.example"),
        ("info@إختبار.example", "info@xn--kgbechtv.example", "info@إختبار.example"),
    ],
)
def test_all_spellings_of_an_address_are_one(typed: str, kept: str, shown: str) -> None:
    assert (kept_address(typed), kept_address(kept), shown_address(kept)) == (kept, kept, shown)


@pytest.mark.parametrize(
    "typed",
    [
        *("a@-b.example", "a@b-.example", "a@b..example", "a@.b.example", "a@b", "a@b_c.example", "a@192.0.2.1"),
        *("a@xn--zzzzzzz-.example", f"a@{'b' * 64}.example", f"{'ä' * 33}@b.example", "a@b.example@", "@b.example"),
        *("an\u200bna@b.example", "\u202eanna@b.example", "an\u00adna@b.example", "a b@b.example", ".a@b.example"),
        *("an\u3164na@b.example", "an\ufe0fna@b.example", "an\u034fna@b.example", "an\u115fna@b.example"),
        *("a.@b.example", "a..b@b.example", "a@b\u202e.example", f"a@{'ä.' * 40}example"),
    ],
)
def test_what_no_mail_reaches_is_no_address(typed: str) -> None:
    with pytest.raises(NotAnAddress):
        kept_address(typed)


@pytest.mark.parametrize(
    "local",
    [
        *("=?utf-8?q?a20=0d=0abcc=3ax?=", "=?utf-8?q?victim=40evil.example?=", "=?a", "a=?utf-8?b?YQ==?=b"),
        *(
            "victim%evil.example",
            "evil.example!victim",
            "a,b",
            "a;b",
            "a:b",
            "a<b",
            "a>b",
            "(c)a",
            '"a"',
            "a\\b",
            "[a]",
        ),
        *(
            "victim\uff20evil.example",
            "victim\uff05evil.example",
            "a\uff0cb",
            "\uff1d\uff1futf-8",
            "\u2025a",
            "a\u2048",
        ),
    ],
)
def test_what_a_program_on_the_way_reads_as_another_address_is_none(local: str) -> None:
    with pytest.raises(NotAnAddress):
        kept_address(f"{local}@acme.example")


def test_every_address_is_read_as_it_is_written() -> None:
    """By the parsers of Python and of the mail client, of thousands that are made of signs with a meaning to one."""
    chosen, taken = random.Random(106), 0
    signs = [
        *"abz019!#$%&'*+-/=?^_`{|}~.()<>[]:;,@\\\" ",
        "ü",
        "日",
        "é",
        "=?",
        "?=",
        "?q?",
        "=?utf-8?q?",
        "=40",
        "%40",
    ]
    for _ in range(20_000):
        local = "".join(chosen.choices(signs, k=chosen.randint(1, 7)))
        try:
            kept = kept_address(f"{local}@{chosen.choice(('acme.example', 'müller.example'))}")
        except NotAnAddress:
            continue
        taken += 1
        [read] = default.header_factory("To", kept).addresses
        assert (read.addr_spec, parseaddr(kept), parse_address(kept)) == (kept, ("", kept), kept)
    assert taken > 4_000


@pytest.mark.parametrize("typed", ["", ".", "acme", "acme.1", "a b.example", "-a.example", "\U0001f4a9.example"])
def test_what_no_server_can_be_called_is_no_domain(typed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each says in its own words what is wrong)
        kept_domain(typed)
