"""What the person sees: every process's lines behind its name, in a file always and on the terminal in colour.

Neither is waited for: a terminal that was stopped (Ctrl-S) or a full disk costs lines, never the stack.
"""

import os
import sys
from pathlib import Path

import msgspec

from shared.lines import Lines

LARGEST_LOG = 20 * 1024**2
LAST_WORDS_SECONDS = 0.5
WIDTH = 8
NOTICE = f"{'portal':<{WIDTH}} | %d lines found no room here and are lost\n".encode()
COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
LEVELS = {"warning": 33, "error": 31, "critical": 31}


class Console:
    """Writes whole lines. Servers' chatter goes to the file only; `quiet` keeps the terminal out altogether."""

    def __init__(self, log: Path, *, quiet: bool = False) -> None:
        self._path = log
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        self._file = log.open("ab", buffering=0)
        self._log = Lines(self._file.fileno(), NOTICE)
        self._size = 0
        self._terminal = None if quiet else Lines(sys.stdout.fileno(), NOTICE)
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._names: dict[str, int] = {}

    def say(self, text: str) -> None:
        """The launcher's own words."""
        self.lines("portal", text.encode())

    def show(self, text: str) -> None:
        """Words for the person at the terminal alone."""
        if self._terminal:
            self._terminal.write(f"{text}\n".encode())

    def lines(self, name: str, text: bytes, *, terminal: bool = True) -> None:
        """One process's lines, without the last line end."""
        lines = text.split(b"\n")
        head = f"{name:<{WIDTH}} | ".encode()
        self._write_file(b"".join(head + line + b"\n" for line in lines))
        if terminal and self._terminal:
            self._terminal.write("".join(f"{self._head(name)}{self._readable(line)}\n" for line in lines).encode())

    def tail(self, name: str, count: int = 20) -> str:
        """The last lines a process printed."""
        head = f"{name:<{WIDTH}} | ".encode()
        own = [line for line in self._path.read_bytes().splitlines() if line.startswith(head)]
        return b"\n".join(own[-count:]).decode(errors="replace")

    def close(self) -> None:
        """Close the file."""
        if self._terminal:
            self._terminal.drain(LAST_WORDS_SECONDS)
            self._terminal.close()
        self._log.close()
        self._file.close()

    def _head(self, name: str) -> str:
        number = self._names.setdefault(name, len(self._names))
        return self._paint(COLOURS[number % len(COLOURS)], f"{name:<{WIDTH}} | ")

    def _readable(self, line: bytes) -> str:
        """A JSON log line as a person reads it: time, words, fields."""
        if not (self._colour and line.startswith(b"{")):
            return line.decode(errors="replace")
        try:
            record = msgspec.json.decode(line, type=dict[str, object])
        except msgspec.DecodeError:
            return line.decode(errors="replace")
        time, level, words = (str(record.pop(key, "")) for key in ("timestamp", "level", "event"))
        record.pop("service", None)
        fields = " ".join(f"{key}={value}" for key, value in record.items())
        return f"{self._paint(90, time[11:19])} {self._paint(LEVELS.get(level, 0), words)} {self._paint(90, fields)}"

    def _paint(self, colour: int, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text

    def _write_file(self, text: bytes) -> None:
        self._size += len(text)
        if self._size > LARGEST_LOG:
            self._size = len(text)
            self._begin_anew()
        self._log.write(text)

    def _begin_anew(self) -> None:
        try:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            fresh = self._path.open("ab", buffering=0)
        except OSError:  # no room for another file: the old one goes on
            return
        self._log.close()
        self._file.close()
        self._file = fresh
        self._log = Lines(fresh.fileno(), NOTICE)
