"""Who calls."""

from uuid import UUID

from gateway import routes as gateway
from services.identity.policies.models import ADMIN_POLICIES
from shared.actor import Actor
from tests.portal.standin import ACME, uid

AUDIENCE = (gateway.PORTAL, *gateway.SERVICES)

NOBODY = Actor(ip="203.0.113.9")
ANNA = Actor(
    id=UUID(uid(61)),
    name="Anna Keller",
    kind="client",
    client_id=UUID(ACME),
    session_id=UUID(uid(71)),
    project_roles={UUID(uid(1)): "approver", UUID(uid(2)): "approver"},
    is_primary_contact=True,
)
"""Approver of Acme, its primary contact."""
MIA = Actor(
    id=UUID(uid(62)),
    name="Mia Lorenz",
    kind="client",
    client_id=UUID(ACME),
    session_id=UUID(uid(72)),
    project_roles={UUID(uid(1)): "feedback_only"},
)
"""At Acme, to give feedback only."""
CLARA = Actor(
    id=UUID(uid(63)),
    name="Clara Hoffmann",
    kind="staff",
    session_id=UUID(uid(73)),
    policies=frozenset(ADMIN_POLICIES),
)
"""Of the company, with every policy."""
JONAS = Actor(id=UUID(uid(64)), name="Jonas Weber", kind="staff", session_id=UUID(uid(74)))
"""Of the company; may look at everything and change nothing."""
