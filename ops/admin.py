"""The first administrator, made by whoever runs the installation: nobody signed in could."""

import getpass
import sys

import msgspec

from ops.running import database_url
from ops.stack.errors import StackError
from services.identity.people.bootstrap import create_first_admin
from shared.errors import DomainError


async def create_admin(email: str, first_name: str, last_name: str) -> None:
    """Create them with a password from the terminal or the first line of the input. Raises `StackError`."""
    url = database_url("identity")
    password = _ask_password()
    try:
        await create_first_admin(url, email=email, first_name=first_name, last_name=last_name, password=password)
    except msgspec.ValidationError as error:
        raise StackError(f"{error}.", "Nobody was created.") from None
    except DomainError as refusal:
        raise StackError(refusal.detail, "Nobody was created.") from None
    print(f"{email} can sign in and has every permission.")


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password (12 characters or more): ")
    if getpass.getpass("Once more: ") != password:
        raise StackError("The two are not the same.", "Nobody was created.")
    return password
