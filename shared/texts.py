"""What a text from outside may hold, wherever it comes in: path, query, header, cookie, form or body."""

TEXT = r"^[^\x00]*$"
"""Anything that PostgreSQL can store, over several lines."""

ANY_LINE = r"^[^\x00-\x1f\x7f]*$(?!\n)"
"""One line, perhaps empty. A plain `$` would let one newline through at the end, and with it a header into a mail."""

LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$(?!\n)"
"""One line with something in it to see."""
