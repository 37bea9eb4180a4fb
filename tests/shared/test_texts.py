"""What may be written in a name, and how it stands among other words."""

import re

import pytest

from shared.texts import ANY_LINE, EMPTY_OR_LINE, ISOLATES, LINE, isolated


@pytest.mark.parametrize(
    "unseen",
    [
        "\u200b",
        "\u200b \u2060",
        "\u3164",
        "\u2800",
        "\xad",
        "\ufe0f",
        "\u200e",
        "\U000e0041",
        "\xa0",
        "\u115f",
        "\U0001d173",
    ],
    ids=ascii,
)
def test_a_name_shows_something(unseen: str) -> None:
    assert not re.search(LINE, unseen)
    assert not re.search(EMPTY_OR_LINE, unseen)


@pytest.mark.parametrize("turned", ["\u202eHbmG emcA", "A\u202dB", "A\u2067B", "A\u2069B"], ids=ascii)
def test_a_name_turns_nothing_around_it(turned: str) -> None:
    assert not any(re.search(pattern, turned) for pattern in (LINE, ANY_LINE, EMPTY_OR_LINE))


@pytest.mark.parametrize("ended", ["A\nB", "A\n", "A\x85B", "A\u2028B", "A\x00"], ids=ascii)
def test_a_name_is_one_line(ended: str) -> None:
    assert not any(re.search(pattern, ended) for pattern in (LINE, ANY_LINE, EMPTY_OR_LINE))


@pytest.mark.parametrize("name", ["Suharto", "شركة 2024", "می\u200cخواهم", "👩\u200d💻", "a", "李", "O'Neil & Söhne"])
def test_names_of_the_world_are_names(name: str) -> None:
    assert all(re.search(pattern, name) for pattern in (LINE, ANY_LINE, EMPTY_OR_LINE))


def test_nothing_is_nothing() -> None:
    assert re.search(EMPTY_OR_LINE, "")
    assert not re.search(LINE, "")


def test_what_is_read_from_the_right_keeps_to_itself() -> None:
    assert [isolated(each) for each in ("ا", "א", "٢٠٢٤")] == ["\u2068ا\u2069", "\u2068א\u2069", "\u2068٢٠٢٤\u2069"]
    assert isolated("شركة 2024") == "\u2068شركة 2024\u2069"
    assert isolated("שלום").translate(ISOLATES) == "שלום"
    assert [isolated(each) for each in ("Größl", "Acme 2024", "")] == ["Größl", "Acme 2024", ""]
