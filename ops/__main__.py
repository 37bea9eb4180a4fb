"""`python -m ops` is the `portal` command."""

from ops.cli import main

main()
