"""What is logged never fails who logs it."""

from typing import Any

import msgspec
import pytest

from shared.telemetry import encoded


class UnspeakableError(Exception):
    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


def nested() -> list[Any]:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.mark.parametrize("odd", ["a \ud800", nested(), UnspeakableError(), {1: {2}}, b"\xff", 2**70])
def test_a_line_is_json_whatever_it_holds(odd: object) -> None:
    said = msgspec.json.decode(encoded({"event": "odd", "what": odd}))
    assert "odd" in said["event"]
    assert "what" in said
