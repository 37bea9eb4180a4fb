"""Which language somebody reads, and what is said in it."""

from datetime import date

import pytest

from shared.language import KERNEL, choose, current, day, gettext, ngettext, read, speaking
from shared.problems import _in_words, title
from tests.pseudo import LANGUAGE, plain_words, pseudo

BOTH = ("en", "de")
read(KERNEL)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        *(("", "en"), ("*", "en"), ("fr", "en"), ("fr, *;q=0.1", "en"), ("en;q=0, *", "de"), ("de;q=0, *;q=0.5", "en")),
        *(("de", "de"), ("DE", "de"), ("de-AT", "de"), ("de-Latn-AT-1996", "de"), ("deu", "en"), ("d", "en")),
        *(("fr, de;q=0.3", "de"), ("de;q=0.5, en;q=0.9", "en"), ("en;q=0.5,de;q=0.900", "de")),
        *(("de, en", "de"), ("en, de", "en"), ("en-US,en;q=0.9,de;q=0.8", "en"), ("de-DE,de;q=0.9,en;q=0.8", "de")),
        *(("de-AT;q=0, de", "de"), ("de;q=0, de-AT", "en"), ("de;q=0", "en"), ("*;q=0", "en"), ("en;q=0", "en")),
        *(
            ("de;q=2", "en"),
            ("de;q=1.001", "en"),
            ("de;q=1.000", "de"),
            ("de;q=0.1234", "en"),
            ("de;q=", "en"),
            ("de;level=1", "en"),
            ("de ; q=0.7 , ,", "de"),
        ),
        *(("de\x00", "en"), ("dé", "en"), ("de;q=1;q=0", "en"), ("," * 254 + "de", "de"), ("," * 255 + "de", "en")),
        *(("," * 9000 + "de", "en"), ("x-" * 9000, "en")),
    ],
)
def test_the_language_that_is_wanted_most(accepted: str, language: str) -> None:
    assert choose(accepted, BOTH) == language
    assert choose(accepted, ("en",)) == "en"


def test_what_is_said_is_said_in_the_current_language() -> None:
    assert current() == "en"
    with speaking(LANGUAGE):
        assert gettext("Entry {number}", number=3) == pseudo("Entry {number}").format(number=3)
        assert ngettext("{count} day", "{count} days", 2) == pseudo("{count} days").format(count=2)
        with speaking("en"):
            assert ngettext("{count} day", "{count} days", 1) == "1 day"
        assert current() == LANGUAGE
    with speaking("de"):
        assert (gettext(""), gettext("nobody says this"), gettext("Sign in first.")) == (
            "", "nobody says this", "Bitte melden Sie sich zuerst an.",
        )  # fmt: skip
    assert gettext("{not} a place") == "{not} a place"


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "9 March 2026"), ("de", "9. März 2026"), (LANGUAGE, "9 March 2026")],
)
def test_a_day_is_written_as_in_the_language(language: str, written: str) -> None:
    with speaking(language):
        assert day(date(2026, 3, 9), "MMMM y") == written


@pytest.mark.parametrize(
    "said",
    [
        *("Invalid enum value 'x'", "Expected `str` matching regex '^[^@]+@'", "Expected `str` matching regex 'x'"),
        *("Object contains unknown field `x`", "Object missing required field `x`", "Expected `str` of length <= 5"),
        *("Expected `str` of length >= 1", "Expected `str` of length >= 2", "Expected `array` of length <= 5"),
        *("Expected `array` of length >= 1", "Expected `int` <= 5", "Expected `int` >= 5", "Invalid UUID"),
        *("Invalid RFC3339 encoded date", "Invalid RFC3339 encoded datetime", "whatever msgspec may say one day"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_the_language(said: str) -> None:
    with speaking(LANGUAGE):
        assert plain_words(_in_words({"key": "x", "message": said})["message"]) == []
        assert plain_words(title(422) + title(404) + title(418) + title(599)) == []
    with speaking("de"):
        assert (title(404), title(418)) == ("Nicht gefunden", "Ungültige Anfrage")
