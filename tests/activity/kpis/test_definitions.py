"""The configured figures, and the months they are compared over."""

from datetime import date
from pathlib import Path

import msgspec
import pytest

from services.activity.app import KPIS
from services.activity.kpis.definitions import OF_CLIENT, Definition, load, periods


def test_the_three_figures_of_the_dashboard_are_configured() -> None:
    assert [each.key for each in load(KPIS)] == ["active_projects", "milestones_completed", "next_deadline"]


def test_every_figure_names_its_tenant_and_keeps_to_what_its_reader_may_see() -> None:
    for each in load(KPIS):
        assert each.sql.count(OF_CLIENT) == each.sql.count("client_id = ") == 1
        assert ":projects is null or" in each.sql


def test_names_become_numbers_and_casts_stay() -> None:
    each = Definition(
        key="x", label="x", format="number", comparison="", compare=False,
        sql="select :today - :end, '1'::int where :projects is null or a = :client_id or b = :client_id",
    )  # fmt: skip
    statement, values = each.statement({"client_id": 1, "projects": 2, "start": 3, "end": 4, "today": 5}, "told")
    where = "where $3::uuid[] is null or a = $1::uuid or b = $1::uuid"
    assert statement == f"select $4::date - $2::date, '1'::int {where}"
    assert values == [1, 4, 2, 5]


def test_a_figure_of_all_clients_names_none() -> None:
    values = dict.fromkeys(("client_id", "projects", "start", "end", "today"))
    assert [each.key for each in load(KPIS) if "client_id" in each.statement(values, "told")[0]] == []


def test_a_mistake_in_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "kpis.toml"
    file.write_text('[[kpi]]\nkey = "x"\nlabel = "x"\nformat = "rainbow"\nsql = ""\ncomparison = ""\ncompare = true\n')
    with pytest.raises(msgspec.ValidationError, match="rainbow"):
        load(file)


@pytest.mark.parametrize(
    ("today", "end", "previous_start", "previous_end", "words"),
    [
        (date(2026, 3, 10), date(2026, 3, 11), date(2026, 2, 1), date(2026, 2, 11), "1–10 Feb, 10 Feb"),
        (date(2026, 1, 1), date(2026, 1, 2), date(2025, 12, 1), date(2025, 12, 2), "1 Dec, 1 Dec"),
        (date(2024, 2, 29), date(2024, 3, 1), date(2024, 1, 1), date(2024, 1, 30), "1–29 Jan, 29 Jan"),
        (date(2026, 3, 31), date(2026, 4, 1), date(2026, 2, 1), date(2026, 3, 1), "1–28 Feb, 28 Feb"),
        (date(2026, 12, 31), date(2027, 1, 1), date(2026, 11, 1), date(2026, 12, 1), "1–30 Nov, 30 Nov"),
    ],
)
def test_this_month_so_far_is_compared_with_as_many_days_of_the_month_before(
    today: date, end: date, previous_start: date, previous_end: date, words: str
) -> None:
    found = periods(today)
    assert (found.start, found.end) == (today.replace(day=1), end)
    assert (found.previous_start, found.previous_end) == (previous_start, previous_end)
    assert found.compared("{days}, {day}") == words
