"""One's own account: accepting an invitation, passwords and addresses. The links of all mails lead here."""

from litestar import Router

from services.portal.account import address, joining, password

router = Router(
    path="/",
    route_handlers=[
        *(password.ask_address, password.send_link, password.open_reset, password.reset),
        *(password.open_change, password.change),
        *(address.open_verification, address.verify, address.open_confirmation, address.confirm),
        *(address.open_change, address.change, address.ask_to_verify),
        *(joining.open_invitation, joining.accept, joining.join, joining.open_registration, joining.register),
    ],
)
