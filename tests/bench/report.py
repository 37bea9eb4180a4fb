"""One line per measurement, as a table for people and as JSON for machines."""

import json
import os
import platform
from pathlib import Path

import msgspec


class Row(msgspec.Struct, frozen=True):
    """`value` in `unit`; `floor` is the same job done by the barest thing, measured in the same run; `budget` in words."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    budget: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """How the value stands to its floor."""
        return self.value / self.floor if self.floor else None


def show(rows: list[Row], target: Path) -> None:
    """Print the table and write `target`; nothing where nothing was measured."""
    if not rows:
        return
    width = max(len(row.name) for row in rows)
    print(f"\n{'what':<{width}}  {'measured':>12}  {'floor':>10}  {'ratio':>6}  budget")
    for row in rows:
        floor = f"{row.floor:,.1f}" if row.floor else "-"
        ratio = f"{row.ratio:.2f}" if row.ratio else "-"
        verdict = {True: "met", False: "MISSED", None: ""}[row.met]
        print(f"{row.name:<{width}}  {row.value:>8,.1f} {row.unit:<4} {floor:>9}  {ratio:>6}  {row.budget} {verdict}")
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    target.write_text(json.dumps({"machine": machine, "rows": [msgspec.to_builtins(row) for row in rows]}, indent=1))
    print(f"\nwritten: {target}")
