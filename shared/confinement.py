"""The child's side of `shared.sandbox`: it gives up everything but computing, works once, and ends."""

import ctypes
import importlib
import os
import platform
import resource
import signal
import sys

PATIENCE = 4
"""So many times its processor time may pass by the clock: the machine has other work."""
REFUSED, UNFIT = 3, 4
"""Exit codes: the work said no, and why; this machine cannot confine a child."""

_CALLS = {
    # read write close fstat lseek mmap mprotect munmap mremap brk madvise futex rt_sigaction rt_sigprocmask
    # rt_sigreturn clock_gettime getrandom exit exit_group: to compute, to read what is sent, to answer.
    "x86_64": (0xC000003E, (0, 1, 3, 5, 8, 9, 10, 11, 25, 12, 28, 202, 13, 14, 15, 228, 318, 60, 231)),
    "aarch64": (0xC00000B7, (63, 64, 57, 80, 62, 222, 226, 215, 216, 214, 233, 98, 134, 135, 139, 113, 278, 93, 94)),
}
"""By machine: its number for auditing, and the system calls that stay (linux/audit.h, asm/unistd.h)."""
_LOAD, _IS, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2


class Rejected(Exception):
    """Nothing came of it. `reason` is a word that the work has for it, or "" where it broke or reached a limit."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class _Instruction(ctypes.Structure):
    """`struct sock_filter`: classic BPF, as seccomp(2) takes it."""

    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def confine(memory: int, seconds: int) -> None:
    """Give up files, network, processes and more than so much memory (bytes) and processor time, for good.

    Raises `OSError` or `KeyError` on a machine that cannot do that.
    """
    architecture, calls = _CALLS[platform.machine()]
    nothing = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE)
    limits = {resource.RLIMIT_AS: memory, resource.RLIMIT_CPU: seconds} | dict.fromkeys(nothing, 0)
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
    program = [
        (_LOAD, 0, 0, 4),
        (_IS, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        *((_IS, len(calls) - at, 0, call) for at, call in enumerate(calls)),
        (_RETURN, 0, 0, _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    instructions = (_Instruction * len(program))(*program)
    libc = ctypes.CDLL(None, use_errno=True)
    for what, to, by in (
        (_NO_NEW_PRIVILEGES, 1, None),
        (_SECCOMP, _FILTER, ctypes.byref(_Program(len(program), instructions))),
    ):
        if libc.prctl(what, to, by, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


def main(module: str, memory: str, seconds: str, *words: str) -> None:
    """Do the work of `module` on the bytes that are sent, and end."""
    signal.alarm(PATIENCE * int(seconds))
    os.nice(5)  # whoever waits for a page goes first
    loaded = importlib.import_module(module)
    try:
        confine(int(memory), int(seconds))
    except (OSError, KeyError, ValueError) as error:
        os.write(2, f"this machine cannot confine a child: {error!r}".encode())
        os._exit(UNFIT)
    try:
        code, answer = 0, loaded.work(sys.stdin.buffer.read(), *words)
    except Rejected as error:
        code, answer = REFUSED, error.reason.encode()
    while answer:
        answer = answer[os.write(1, answer) :]
    os._exit(code)
