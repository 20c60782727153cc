"""The users, groups and channels of the sandbox. Each persona shows one role or one special case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.sandbox.genesys.state import UserSet
from bot.sandbox.slack.workspace import Channel, SlackUser, UserGroup

OLIVIA, BEN, RAVI, NADIA = "U0OLIVIA01", "U0BENAPP01", "U0RAVIREQ1", "U0NADIA001"
GUS, ONA, BEA, DAN = "U0GUSGUEST", "U0ONAOUT01", "U0BEABOT01", "U0DANGONE1"
SAM = "U0SAMSECUR"
TOM, PIA, NOMAIL, UNA = "U0TOMTARG1", "U0PIAPROT1", "U0NOMAIL01", "U0UNAUNCF1"

OPS, APPROVALS, AUDIT, SHARED = "C0OPS00001", "C0APPROVE1", "C0AUDIT001", "C0PARTNER1"
TOKEN_APPROVERS = "S0TOKENAPP"  # noqa: S105 - a user group's id
OTHER_TEAM = "T0PARTNER1"

REQUESTERS = (OLIVIA, BEN, RAVI)
APPROVERS = (TOKEN_APPROVERS,)
ADMINS = (OLIVIA,)
PROTECTED = (PIA,)
BREAK_GLASS = (SAM,)

RULES = {
    "REQUESTERS": REQUESTERS,
    "APPROVERS": APPROVERS,
    "ADMINS": ADMINS,
    "PROTECTED": PROTECTED,
    "BREAK_GLASS": BREAK_GLASS,
}
"""The principals of each setting of the bot that names people."""

BULK_ADMINS = [OLIVIA, BEN, SAM]
"""The admins of the sandbox, so that two can approve what a third requests for many people."""

EXAMPLES = {
    "help": "what you can do",
    "whoami": "who you are and what you may do",
    "revoke @tom laptop stolen": "revoke Tom's sessions",
    "revoke tom.target@example.com": "the same, by email",
    "revoke @pia left her desk unlocked": "needs two other approvers, so ask as Ravi",
    "revoke @una": "is refused",
    "revoke-many": "as Olivia: a list or a CSV file of people",
    'revoke queue:"Contact centre" phished': "as Olivia: 300 people; Ben and Sam approve",
    "break-glass @tom laptop stolen": "as Sam: revoke alone in an emergency",
    "pending": "open requests",
    "history @tom": "how requests about Tom ended",
    "rotate": "replace the bot's own token",
}
"""Example texts for `/purecloud`, and what each shows."""


@dataclass(frozen=True, kw_only=True)
class Persona:
    """A person of the sandbox: a Slack user, and possibly a Genesys Cloud user.

    The page shows `role`, a word or two, and `about`, one line. `genesys_id` is None without a Genesys Cloud user.
    """

    member: SlackUser
    role: str
    about: str
    genesys_id: str | None = None
    division: str = "Home"
    presence: str = "Available"
    routing_status: str = "OFF_QUEUE"
    conversations: Mapping[str, int] = field(default_factory=dict)


def personas() -> list[Persona]:
    """Return new personas, because a run may change their Slack users."""
    return [*_staff(), *_visitors(), *_targets()]


def _staff() -> list[Persona]:
    return [
        Persona(
            member=SlackUser(id=OLIVIA, name="olivia", real_name="Olivia Ortega", email="olivia.ortega@example.com"),
            role="admin",
            about="Admin and approver: can request and approve, and rotate the bot's token.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e01",
        ),
        Persona(
            member=SlackUser(id=BEN, name="ben", real_name="Ben Baker", email="ben.baker@example.com"),
            role="approver",
            about="Approver: can request and approve; as an admin, for many people too.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e02",
        ),
        Persona(
            member=SlackUser(id=RAVI, name="ravi", real_name="Ravi Rao", email="ravi.rao@example.com"),
            role="requester",
            about="Requester: can request; an approver must approve.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e03",
        ),
        Persona(
            member=SlackUser(id=SAM, name="sam", real_name="Sam Sentry", email="sam.sentry@example.com"),
            role="security lead",
            about="Security lead: can break glass, which revokes without another approver. Also an admin.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e05",
        ),
        Persona(
            member=SlackUser(id=NADIA, name="nadia", real_name="Nadia Novak", email="nadia.novak@example.com"),
            role="no role",
            about="Employee without a role: can neither request nor approve.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e04",
        ),
    ]


def _visitors() -> list[Persona]:
    gus = SlackUser(id=GUS, name="gus", real_name="Gus Guest", email="gus@guest.example.net", is_restricted=True)
    ona = SlackUser(id=ONA, name="ona", real_name="Ona Outside", email="ona@partner.example.org", team_id=OTHER_TEAM)
    dan = SlackUser(id=DAN, name="dan", real_name="Dan Departed", email="dan.departed@example.com", deleted=True)
    return [
        Persona(member=gus, role="guest", about="Guest: in the approvers' group by mistake, still cannot approve."),
        Persona(
            member=ona,
            role="external",
            about="External user: member of #partner only, cannot use commands.",
        ),
        Persona(
            member=SlackUser(id=BEA, name="bea", real_name="Bea Bot", is_bot=True, is_email_confirmed=None),
            role="bot",
            about="Another bot: cannot be revoked.",
        ),
        Persona(
            member=dan,
            role="departed",
            about="Deactivated in Slack, still active in Genesys Cloud.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e08",
        ),
    ]


def _targets() -> list[Persona]:
    una = SlackUser(id=UNA, name="una", real_name="Una Unconfirmed", email="una@example.com", is_email_confirmed=False)
    return [
        Persona(
            member=SlackUser(id=TOM, name="tom", real_name="Tom Target", email="tom.target@example.com"),
            role="agent",
            about="Agent: the one to revoke, on a call.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09",
            division="Support",
            presence="On Queue",
            routing_status="INTERACTING",
            conversations={"call": 1},
        ),
        Persona(
            member=SlackUser(id=PIA, name="pia", real_name="Pia Protected", email="pia.protected@example.com"),
            role="protected",
            about="Protected: revoking needs two approvers other than the requester.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e10",
            division="Management",
            presence="Meeting",
            conversations={"call": 1, "chat": 2},
        ),
        Persona(
            member=SlackUser(id=NOMAIL, name="nomail", real_name="Noel Nomail"),
            role="no email",
            about="No email address in Slack: a mention does not find a Genesys Cloud user.",
        ),
        Persona(
            member=una,
            role="unconfirmed",
            about="Email address not confirmed: it may belong to another person.",
            genesys_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e12",
        ),
    ]


def members() -> list[SlackUser]:
    """Return the personas' Slack users."""
    return [persona.member for persona in personas()]


def groups() -> list[UserGroup]:
    """Return the user groups. Gus, a guest, is in the approvers' group but cannot approve."""
    return [UserGroup(id=TOKEN_APPROVERS, handle="token-approvers", members=[OLIVIA, BEN, GUS])]


def queues() -> list[UserSet]:
    """Return the queues of Genesys Cloud."""
    return [UserSet("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4f01", "Billing EN", _genesys_ids(TOM, UNA))]


def genesys_groups() -> list[UserSet]:
    """Return the groups of Genesys Cloud."""
    return [UserSet("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4f02", "Night shift", _genesys_ids(TOM, PIA))]


def _genesys_ids(*slack_ids: str) -> tuple[str, ...]:
    return tuple(one.genesys_id for one in personas() if one.genesys_id and one.member.id in slack_ids)


def channels(*, approvals: Sequence[str] = ()) -> list[Channel]:
    """Return the channels; `approvals` are further members of #approvals.

    #partner is shared with another workspace.
    """
    staff = [OLIVIA, BEN, RAVI, SAM, NADIA, GUS, TOM, PIA, NOMAIL, UNA]
    return [
        Channel(id=OPS, name="ops", members=staff),
        Channel(id=APPROVALS, name="approvals", members=[OLIVIA, BEN, GUS, *approvals], is_private=True),
        Channel(id=AUDIT, name="audit", members=[OLIVIA, BEN], is_private=True),
        Channel(id=SHARED, name="partner", members=[OLIVIA, BEN, RAVI, ONA], is_ext_shared=True),
    ]
