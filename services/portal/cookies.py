"""The portal's own cookies: read by the server only, for this site only."""

from litestar.datastructures import Cookie

YEAR = 31_536_000


def cookie(name: str, value: str, max_age: int = YEAR) -> Cookie:
    """A cookie to set; an age of 0 removes it."""
    return Cookie(key=name, value=value, path="/", max_age=max_age, httponly=True, samesite="lax")
