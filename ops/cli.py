"""The `portal` command. Each command imports what it needs when it runs, so that `--help` is quick."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ops.stack.errors import StackError, in_words

app = App(name="portal", help="Run and manage the client portal.", version_flags=[])
stack = App(name="stack", help="The embedded stack: every server and service on this machine.")
events = App(name="events", help="What travels between the services.")
keys = App(name="keys", help="The key the gateway signs its claims with.")
audit = App(name="audit", help="The audit log.")
for group in (stack, events, keys, audit):
    app.command(group)


@stack.command
def up(
    *,
    detach: Annotated[bool, Parameter(help="Return when everything answers and go on in the background.")] = False,
    with_parent: Annotated[bool, Parameter(help="Also end when the calling process does.")] = False,
) -> None:
    """Start everything and keep it running."""
    from ops.stack import command

    command.up(detach=detach, with_parent=with_parent)


@stack.command
def down() -> None:
    """Stop what `up` started."""
    from ops.stack import command

    command.down()


@stack.command
def reset() -> None:
    """Stop, and delete all data of this checkout's stack."""
    from ops.stack import command

    command.reset()


@stack.command
def status() -> None:
    """Say what runs, and where it answers. Exit code 3 when nothing does."""
    from ops.stack import command

    command.status()


@stack.command
def logs(*, follow: bool = True) -> None:
    """Show what every process prints."""
    from ops.stack import command

    command.logs(follow=follow)


@app.command
def migrate(*services: str) -> None:
    """Bring schemas up to date: of the services named, or of all.

    Reads PORTAL_DATABASE_ADMIN_URL and one PORTAL_DATABASE_PASSWORD_<SERVICE> each.
    """
    from ops.databases import services_with_schema
    from ops.migrate import migrate_all
    from ops.running import password_variable, setting
    from ops.stack.addresses import ADMIN_VARIABLE

    if unknown := set(services) - set(services_with_schema()):
        raise StackError(f"{', '.join(sorted(unknown))} has no schema.", f"Choose of {services_with_schema()}.")
    passwords = {name: setting(password_variable(name)) for name in services or services_with_schema()}
    asyncio.run(migrate_all(setting(ADMIN_VARIABLE), passwords))


@app.command
def create_admin(email: str, first_name: str, last_name: str) -> None:
    """Create the first administrator; asks for the password, or reads it from the input.

    Reads PORTAL_DATABASE_ADMIN_URL and PORTAL_DATABASE_PASSWORD_IDENTITY.
    """
    from ops.admin import create_admin

    asyncio.run(create_admin(email, first_name, last_name))


@app.command
def bounced(*message_ids: str) -> None:
    """Note that mails came back after the mail server had taken them, by their Message-ID.

    Its failure is published as any other: an invitation shows that it failed.
    Reads PORTAL_DATABASE_ADMIN_URL and PORTAL_DATABASE_PASSWORD_IDENTITY.
    """
    from ops.mails import bounced

    asyncio.run(bounced(message_ids))


@app.command
def republish(service: str) -> None:
    """Publish everything that a service has again, as it is: to others that do not know it, or lost what they knew.

    No feed entry, mail or audit record comes of it. It may be repeated, and run while the portal does.
    Reads PORTAL_DATABASE_ADMIN_URL and PORTAL_DATABASE_PASSWORD_<SERVICE>.
    """
    from ops.republish import republish

    asyncio.run(republish(service))


@events.command
def dead_letters() -> None:
    """List events that a consumer could not fold or the broker refused, each with a name and the reason.

    Reads PORTAL_DATABASE_ADMIN_URL and PORTAL_NATS_URL.
    """
    from ops import events

    asyncio.run(events.print_dead_letters())


@events.command
def replay(*names: str) -> None:
    """Publish dead letters again, all or those named, once their cause is mended. Exit code 1 if one is refused.

    Reads PORTAL_DATABASE_ADMIN_URL and PORTAL_NATS_URL.
    """
    from ops import events

    if not asyncio.run(events.replay(names)):
        sys.exit(1)


@audit.command
def verify(
    *, heads: Annotated[Path | None, Parameter(help="File of the chains' ends, instead of the usual one.")] = None
) -> None:
    """Compute the audit log's hash chains again, and compare them with their ends as of the last good run and with what
    the services told in the last week. Exit code 1, and what is wrong with which record, when the log is not whole.

    Reads PORTAL_DATABASE_ADMIN_URL, PORTAL_DATABASE_PASSWORD_ACTIVITY and PORTAL_AUDIT_HEADS.
    """
    from ops.audit import verify

    asyncio.run(verify(heads))


@keys.command
def new() -> None:
    """Print a new private key, for PORTAL_CLAIMS_KEY_FILE or PORTAL_TOKEN_KEY_FILE."""
    from ops.keys import as_text, new_claims_key

    print(as_text(new_claims_key()))


@keys.command
def ensure(gateway: Path, identity: Path, notifications: Path, portal: Path) -> None:
    """Keep the keys of each process in a folder of its own; what is there stays."""
    from ops.keys import ensure_keys

    ensure_keys(gateway, identity, notifications, portal)


@keys.command
def secret() -> None:
    """Print a new key for PORTAL_SECRETS_KEY_FILE."""
    from ops.keys import new_secrets_key

    print(new_secrets_key())


@keys.command
def public(file: Path) -> None:
    """Print the public half of a private key, for services that read PORTAL_JWKS from a file."""
    from ops.keys import as_text, public_set, read_key

    print(as_text(public_set(read_key(file))))


def main() -> None:
    """Entry point. What is wrong outside our code is said in one sentence; a traceback means a mistake of ours."""
    try:
        app()
    except (StackError, OSError) as error:
        sys.exit(f"portal: {in_words(error)}")
