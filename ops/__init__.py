"""What an operator runs: the `portal` command, the embedded stack, migrations and keys."""
