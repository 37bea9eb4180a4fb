"""What can go wrong for the person at the terminal, said in one sentence each."""


class StackError(Exception):
    """Something outside our code keeps the stack from running: what it is, and what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")
        self.what = what
        self.remedy = remedy
