"""Contacts as a file: nothing in it is ever computed, and every name arrives as it was."""

import csv
import re
from io import StringIO

import pytest

from services.identity.contacts.spreadsheet import neutral
from tests.identity.contacts.conftest import MakeContact
from tests.identity.rig import ADMIN, Identity

HEBREW = "\u200fשרה\u200f"
"""Between marks of direction, which a name may hold; what overrides the direction around it is refused."""


async def test_the_file_holds_every_contact_and_no_formula(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    formula = '=HYPERLINK("http://evil.example","x")'
    await contact(client_id, first_name=formula, last_name="Abel", phone="+49 30 1", title="@SUM(1)")
    await contact(client_id, first_name="ليلى", last_name="حداد", email=None, title='Says "hi", often')
    await contact(client_id, first_name=HEBREW, last_name="-Cohen")
    answer = await identity.api(ADMIN, "GET", f"clients/{client_id}/contacts.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [(row["First name"], row["Last name"]) for row in rows] == [
        (HEBREW, "'-Cohen"),
        (f"'{formula}", "Abel"),
        ("ليلى", "حداد"),
    ]
    assert (rows[1]["Phone"], rows[1]["Title"]) == ("'+49 30 1", "'@SUM(1)")
    assert (rows[2]["E-mail"], rows[2]["Title"], rows[2]["Portal access"]) == ("", 'Says "hi", often', "no")


async def test_its_words_are_in_the_language_that_is_asked_for(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    await contact(client_id, first_name="Eva", last_name="Roth", language="de")
    said = {"en": ["First name", "Portal access", "no", "none"], "de": ["Vorname", "Portalzugang", "nein", "keine"]}
    for language, (first_name, access, no, none) in said.items():
        path, asked = f"clients/{client_id}/contacts.csv", {"Accept-Language": language}
        answer = await identity.api(ADMIN, "GET", path, headers=asked)
        assert answer.headers["content-language"] == language
        [row] = csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline=""))
        assert (row[first_name], row[access], [*row.values()].count(none)) == ("Eva", no, 1)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_what_a_spreadsheet_would_take_for_a_formula_is_shown(start: str) -> None:
    assert neutral(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("split", [";", ",", "|", "\t", "\n"])
def test_nor_does_one_begin_where_another_program_splits_cells(split: str) -> None:
    assert neutral(f"x{split}=1+1") == f"x{split}'=1+1"
    assert neutral(f"x{split} @SUM(1)") == f"x{split}' @SUM(1)"


async def test_every_cell_is_quoted(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    await contact(client_id, first_name="x;=1+1")
    answer = await identity.api(ADMIN, "GET", f"clients/{client_id}/contacts.csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert all(re.fullmatch(r'("[^"]*",)*"[^"]*"', line) for line in lines)
    assert lines[1].startswith('"x;\'=1+1",')


@pytest.mark.parametrize("cell", ["", "Anna", "a=b", "1-2", "حداد", "O'Neil", "Sales; Berlin"])
def test_everything_else_stays_as_it_is(cell: str) -> None:
    assert neutral(cell) == cell
