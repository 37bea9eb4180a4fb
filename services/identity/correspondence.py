"""Who writes which mail: the queue knows no feature, and no feature the mail server."""

from services.identity.email_changes import commands as email_changes
from services.identity.invitations import commands as invitations
from services.identity.invitations import registration
from services.identity.mails import orders
from services.identity.mails.commands import Author, Authors, write_to_person
from services.identity.password_changes import commands as password_changes
from services.identity.sign_in_links import commands as sign_in_links

TO_PERSON = (
    *("step_up_code", "new_device", "password_changed", "two_factor_changed", "passkey_added"),
    *("email_verification", "email_change_notice", "access_ended"),
)

AUTHORS: Authors = {
    "sign_in_link": Author(sign_in_links.write_mail),
    "invitation": Author(invitations.write_mail, invitations.mail_settled),
    "registration": Author(registration.write_mail),
    "password_reset": Author(password_changes.write_mail),
    "email_change": Author(email_changes.write_to_new),
    orders.KIND: orders.author(),
    **{kind: Author(write_to_person) for kind in TO_PERSON},
}
