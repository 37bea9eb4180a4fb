"""Which passwords are not good enough (NIST SP 800-63B, 3.1.1.2): no composition rules, no expiry; what is common or
about the person is refused. Length is the schema's (`fields.Password`).
"""

import re
from itertools import pairwise
from pathlib import Path

from shared.errors import Invalid
from shared.language import gettext as _

FEWEST_CHARACTERS = 6
"""Different ones: `ababababab` is long and no password."""
LEAST_OWN = 6
"""So much must be left of a password when the words everybody knows about the person are taken out."""
_COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text().split())


class PasswordTooEasy(Invalid):
    code = "person.password_too_easy"

    def __init__(self) -> None:
        super().__init__(
            _("This password is too easy to guess. A few words that have nothing to do with you make a good one."),
            field="password",
        )


def require_strong(password: str, *about: str) -> None:
    """Refuse what is guessed first. `about`: the person's address and name, the company's. Raises `PasswordTooEasy`."""
    bare = password.casefold()
    if bare in _COMMON or len(set(bare)) < FEWEST_CHARACTERS or _is_run(bare):
        raise PasswordTooEasy
    for word in sorted(_words(about), key=len, reverse=True):
        bare = bare.replace(word, "")
    if len(set(bare)) < LEAST_OWN:
        raise PasswordTooEasy


def _is_run(text: str) -> bool:
    """`abcdefghijkl`, `987654321098`: each character the neighbour of the one before, nines and noughts included."""
    steps = {(ord(after) - ord(before)) % 10 for before, after in pairwise(text)}
    return steps <= {1} or steps <= {9}


def _words(about: tuple[str, ...]) -> set[str]:
    return {word for text in about for word in re.split(r"[\W_]+", text.casefold()) if len(word) >= 3}
