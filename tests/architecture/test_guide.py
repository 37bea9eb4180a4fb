"""The guide quotes the code as it is."""

import re

import pytest

from tests.architecture.test_docs import ROOT

GUIDE = ROOT / "docs" / "add-a-feature.md"
QUOTES = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
SOURCES = "".join(
    path.read_text() for folder in ("services", "shared") for path in sorted((ROOT / folder).rglob("*.py"))
)


def test_there_are_quotes() -> None:
    assert len(QUOTES) >= 8


@pytest.mark.parametrize("quote", QUOTES, ids=lambda quote: quote.splitlines()[0].strip())
def test_a_quote_stands_in_the_code(quote: str) -> None:
    assert quote in SOURCES
