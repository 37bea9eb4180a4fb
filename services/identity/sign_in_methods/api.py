"""One's own sign-in methods over HTTP."""

from uuid import UUID

from litestar import Router, get

from services.identity.sign_in_methods import queries
from services.identity.sign_in_methods.queries import SignInMethods
from shared.actor import SYSTEM, Actor
from shared.database import UnitOfWork
from shared.http import API


@get("/auth/sign-in-methods")
async def list_sign_in_methods(me: UUID, actor: Actor, uow: UnitOfWork) -> SignInMethods:
    """List one's sign-in methods: which are accepted, which are set up, and whether they are managed here."""
    async with uow(SYSTEM) as db:  # an account may have doors at other clients
        return await queries.list_methods(db, actor, me)


router = Router(API, route_handlers=[list_sign_in_methods], tags=["sign-in methods"])
"""`auth/me` says who somebody is on many pages; this is asked by the few that offer a method."""
