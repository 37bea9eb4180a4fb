"""The one alembic environment all services use (docs/decisions/0006)."""
