"""The `portal` command. Each command imports what it needs when it runs, so that `--help` is quick."""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from ops.stack.errors import StackError, in_words

app = App(name="portal", help="Run and look after the client portal.", version_flags=[])
stack = App(name="stack", help="The embedded stack: every server and service on this machine.")
app.command(stack)


@stack.command
def up(
    *,
    detach: Annotated[
        bool, Parameter(help="Return when everything answers; the stack goes on in the background.")
    ] = False,
    with_parent: Annotated[bool, Parameter(help="Also end when the calling process does.")] = False,
) -> None:
    """Start everything and keep it running."""
    from ops.stack.command import up

    up(detach=detach, with_parent=with_parent)


@stack.command
def down() -> None:
    """Stop what `up` started."""
    from ops.stack.command import down

    down()


@stack.command
def reset() -> None:
    """Stop, and delete all data of this checkout's stack."""
    from ops.stack.command import reset

    reset()


@stack.command
def status() -> None:
    """What runs, and where it answers. Exit code 3 when nothing does."""
    from ops.stack.command import status

    status()


@stack.command
def logs(*, follow: bool = True) -> None:
    """What every process prints."""
    from ops.stack.command import logs

    logs(follow=follow)


def main() -> None:
    """Entry point. What is wrong outside our code is said in one sentence; a traceback means a mistake of ours."""
    try:
        app()
    except (StackError, OSError) as error:
        sys.exit(f"portal: {in_words(error)}")
