"""Answers that a process remembers."""

import pytest

from services.activity import kept
from services.activity.kept import BESIDE, Answer, Remembered

TEN = 10 + BESIDE
"""What an answer of ten bytes takes."""


class Maker:
    """Makes answers of ten bytes, each another one."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self) -> Answer:
        self.made += 1
        return Answer(b"%010d" % self.made)


async def test_only_as_much_is_remembered_as_there_is_room_for_and_what_is_asked_for_stays() -> None:
    make, remembered = Maker(), Remembered(room=3 * TEN)
    for key in ("one", "two", "three", "one", "four"):
        await remembered.answer(key, make)
    assert make.made == 4
    assert [(await remembered.answer(key, make)).body for key in ("one", "three", "four")] == [
        b"0000000001",
        b"0000000003",
        b"0000000004",
    ]
    assert (await remembered.answer("two", make)).body == b"0000000005"


async def test_room_is_free_again_when_its_answer_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "SECONDS", 0)
    make, remembered = Maker(), Remembered(room=2 * TEN)
    for _ in range(5):
        await remembered.answer("one", make)
    assert make.made == 5
    monkeypatch.setattr(kept, "SECONDS", 300)
    for key in ("one", "two", "one", "two"):
        await remembered.answer(key, make)
    assert make.made == 7


async def test_what_is_larger_than_the_room_or_not_whole_is_not_remembered() -> None:
    make, remembered = Maker(), Remembered(room=TEN - 1)
    for _ in range(2):
        await remembered.answer("one", make)
    assert make.made == 2

    async def fail() -> Answer:
        return Answer((await make()).body, whole=False)

    remembered = Remembered(room=5 * TEN)
    for _ in range(2):
        await remembered.answer("one", fail)
    assert make.made == 4


async def test_what_is_over_leaves_when_another_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    make, remembered, clock = Maker(), Remembered(room=9 * TEN), [1000.0]
    monkeypatch.setattr(kept.time, "monotonic", lambda: clock[0])
    for key in ("one", "two"):
        await remembered.answer(key, make)
    clock[0] += kept.SECONDS
    await remembered.answer("three", make)
    assert list(vars(remembered)["_answers"]) == ["three"]
