"""One form of every address."""

import pytest

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


@pytest.mark.parametrize("typed", ["", ".", "acme", "acme.1", "a b.example", "-a.example", "\U0001f4a9.example"])
def test_what_no_server_can_be_called_is_no_domain(typed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each says in its own words what is wrong)
        kept_domain(typed)
