"""Everything the portal has, by nouns, in the order of the navigation. A new noun is an entry here."""

from services.portal.activity.api import area as activity
from services.portal.api_clients.api import area as api_clients
from services.portal.area import Areas
from services.portal.brand.api import area as brand
from services.portal.clients.api import area as clients
from services.portal.confirm_email.api import area as confirm_email
from services.portal.contacts.api import area as contacts
from services.portal.dashboard.api import area as dashboard
from services.portal.failed_sign_ins.api import area as failed_sign_ins
from services.portal.forgot_password.api import area as forgot_password
from services.portal.help.api import area as help_
from services.portal.invitation.api import area as invitation
from services.portal.invitations.api import area as invitations
from services.portal.kept_form.api import area as kept_form
from services.portal.mailbox.api import area as mailbox
from services.portal.milestones.api import area as milestones
from services.portal.notifications.api import area as notifications
from services.portal.organisations.api import area as organisations
from services.portal.people.api import area as people
from services.portal.preferences.api import area as preferences
from services.portal.profile.api import area as profile
from services.portal.projects.api import area as projects
from services.portal.prove_it.api import area as prove_it
from services.portal.register.api import area as register
from services.portal.reset_password.api import area as reset_password
from services.portal.security.api import area as security
from services.portal.session.api import area as session
from services.portal.sign_in.api import area as sign_in
from services.portal.sign_out.api import area as sign_out
from services.portal.switch_client.api import area as switch_client
from services.portal.team.api import area as team
from services.portal.verify_email.api import area as verify_email
from services.portal.view_as.api import area as view_as
from services.portal.webhooks.api import area as webhooks

AREAS = Areas(
    [
        *(dashboard, projects, clients, activity, team, profile),
        *(people, api_clients, webhooks, brand, failed_sign_ins),
        *(notifications, milestones, contacts, invitations, view_as, switch_client, organisations),
        *(security, prove_it, kept_form, preferences, session, sign_in, sign_out),
        *(invitation, register, forgot_password, reset_password, verify_email, confirm_email),
        *(help_, mailbox),
    ]
)
