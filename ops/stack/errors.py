"""What can go wrong for the person at the terminal, said in one sentence each."""

import errno


class StackError(Exception):
    """Something outside our code keeps the stack from running: what it is, and what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")
        self.what = what
        self.remedy = remedy


def in_words(error: Exception) -> str:
    """One sentence for the terminal."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full. Free some space, or set PORTAL_DATA to a folder on another disk."
    return str(error)
