"""What strangers send is parsed by a child process that can do nothing else (docs/decisions/0111).

A child is a new program, not a fork: it has none of this process's memory, keys, sockets or variables. It loads one
module, gives up files, network and processes, reads bytes and answers with bytes. Whatever a decoder can be talked into
happens there, for a few seconds, with nothing in reach.
"""

import asyncio
import sys
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path

import structlog

from shared.confinement import PATIENCE, REFUSED, Rejected
from shared.errors import Unavailable
from shared.language import gettext as _

MEGABYTE = 1024 * 1024
_BEGIN = "import sys; sys.path.insert(0, sys.argv[1]); from shared import confinement; confinement.main(*sys.argv[2:])"
_ROOT = str(Path(__file__).parent.parent)

log = structlog.get_logger("sandbox")


class TooBusy(Unavailable):
    code = "sandbox.busy"

    def __init__(self) -> None:
        super().__init__(_("Too many files are being read at this moment. Try again in a few seconds."), retry_after=3)


class Sandbox:
    """Has a module's `work(data, *words) -> bytes` done, each call in a child of its own, one after the other.

    `work` raises `Rejected` with a word for what it does not take. Its module imports all it needs: later there are no
    files to import from. `memory` is in bytes of address space, `seconds` of processor time; so many may be `waiting`.
    """

    def __init__(self, module: str, *, memory: int = 400 * MEGABYTE, seconds: int = 5, waiting: int = 8) -> None:
        self._module = module
        self._command = (sys.executable, "-I", "-c", _BEGIN, _ROOT, module, str(memory), str(seconds))
        self._seconds = seconds
        self._places = waiting + 1
        self._callers: set[Hashable] = set()
        self._turn = asyncio.Semaphore(1)

    async def run(self, data: bytes, *words: str, caller: Hashable, most: int) -> bytes:
        """What the work makes of `data`, at most `most` bytes. Raises `Rejected` and `TooBusy`.

        One caller has one piece of work here at a time: nine slow files of one person would keep everybody else out.
        """
        if not self._places or caller in self._callers:
            raise TooBusy
        self._places -= 1
        self._callers.add(caller)
        try:
            async with self._turn:
                return await self._run(data, words, most)
        finally:
            self._places += 1
            self._callers.remove(caller)

    async def _run(self, data: bytes, words: tuple[str, ...], most: int) -> bytes:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *self._command, *words, stdin=pipe, stdout=pipe, stderr=pipe, env={}
        )
        said, complaint = b"", b""
        try:
            async with asyncio.timeout(PATIENCE * self._seconds + 1):  # its own alarm comes first
                said, complaint = await _exchange(child, data, most)
        except TimeoutError:
            complaint = b"silent"
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        if child.returncode == 0 and len(said) <= most:
            return said
        if child.returncode == REFUSED:
            raise Rejected(said.decode(errors="replace"))
        why = complaint[-500:].decode(errors="replace")
        log.warning("sandbox.broke", module=self._module, code=child.returncode, why=why)
        raise Rejected


async def _exchange(child: asyncio.subprocess.Process, data: bytes, most: int) -> tuple[bytes, bytes]:
    """Send everything, hear at most `most` bytes, and the beginning of a complaint."""
    assert child.stdin
    assert child.stdout
    assert child.stderr
    child.stdin.write(data)
    with suppress(OSError):  # one that is gone reads no further
        await child.stdin.drain()
    child.stdin.close()
    said = b""
    while part := await child.stdout.read(65_536):
        said += part
        if len(said) > most:
            return said, b""  # what goes on is ended
    complaint = await child.stderr.read(4_096)
    await child.wait()
    return said, complaint
