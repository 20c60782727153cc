"""A sentence for each reason why not: what is the matter, that nothing was changed, and what to do."""

from __future__ import annotations

from collections import defaultdict

from bot.domain.policy import DenialCode, Denied
from handlers.ui.blocks import escape

SENTENCES = {
    DenialCode.OUTSIDER: "Only members of the workspace this bot belongs to may do this. Nothing was changed.",
    DenialCode.GUEST: "Guests may not do this, only full members of the workspace. Nothing was changed.",
    DenialCode.BOT: "Bots and apps may not do this, only people. Nothing was changed.",
    DenialCode.DEACTIVATED: "Your Slack account is deactivated. Nothing was changed.",
    DenialCode.NOT_A_REQUESTER: (
        "You may not ask for a revocation: nothing in REQUESTERS names you. Nothing was changed. "
        "`/purecloud whoami` shows what you may do; whoever runs this bot can change it."
    ),
    DenialCode.NOT_AN_APPROVER: (
        "You may not confirm this: nothing in APPROVERS names you (any more). Nothing was changed; "
        "the request stays open for those who may."
    ),
    DenialCode.NOT_AN_ADMIN: "Only admins of this bot may do this: nothing in ADMINS names you. Nothing was changed.",
    DenialCode.OWN_REQUEST: (
        "You asked for this yourself, and somebody else must confirm it (SELF_APPROVAL is off). Nothing was changed."
    ),
    DenialCode.OWN_PROTECTED_REQUEST: (
        "You asked for this yourself. The person is protected: two other approvers must confirm. Nothing was changed."
    ),
    DenialCode.ALREADY_AGREED: (
        "You have approved this already, and the same person counts once. Another approver must confirm; "
        "nothing was changed yet."
    ),
    DenialCode.NOT_YOURS_TO_CANCEL: (
        "Only {requester_mention} or somebody who may confirm it can cancel this request. Nothing was changed."
    ),
    DenialCode.CLICKER_UNREADABLE: (
        "Slack could not tell me who you are just now ({code}), so your click does not count. Nothing was changed; "
        "click again in a moment."
    ),
    DenialCode.NOBODY_ELSE_HERE: (
        "Somebody else must confirm this, and nobody else can see this conversation. Nothing was changed. "
        "Ask in a channel with an approver, or have APPROVALS_CHANNEL set."
    ),
    DenialCode.TARGET_MISSING: (
        "Whose sessions? Name one person: `/purecloud revoke @user [reason]`. An e-mail address or a Genesys Cloud "
        "user id works too. Nothing was changed."
    ),
    DenialCode.TARGET_UNREADABLE: (
        "`{word}` names nobody I can look up. Write a mention (`@user`), an e-mail address or a Genesys Cloud user id. "
        "Nothing was changed."
    ),
    DenialCode.TARGET_IS_A_PLAIN_NAME: (
        "`{word}` arrived as plain text, not as a mention, so I cannot tell who it is. Choose the person from Slack's "
        "list while typing, or write their e-mail address. If that keeps happening, the app's manifest must set "
        "`should_escape: true`. Nothing was changed."
    ),
    DenialCode.TARGET_IS_A_GROUP: (
        "I revoke one person at a time, not a user group or everybody here. Nothing was changed. Name one person."
    ),
    DenialCode.TARGET_IS_A_CHANNEL: "That is a channel, not a person. Nothing was changed. Name one person.",
    DenialCode.SEVERAL_TARGETS: (
        "I see {count} people in that line ({names}), and I revoke one at a time, never just the first. Nothing was "
        "changed. Send one line a person; in a reason, write names without an @ and no e-mail addresses."
    ),
    DenialCode.TARGET_NOT_IN_SLACK: (
        "Slack does not know (or does not show me) that person. Nothing was changed. Their e-mail address or Genesys "
        "Cloud user id works without Slack."
    ),
    DenialCode.TARGET_OUTSIDER: (
        "{member_mention} is not in this workspace; an outsider's e-mail address proves nothing here. Nothing was "
        "changed. If they have a login in your Genesys Cloud, name it by e-mail address or user id."
    ),
    DenialCode.TARGET_GUEST: (
        "{member_mention} is a guest in Slack, whose e-mail address is not vouched for. Nothing was changed. Name "
        "their Genesys Cloud login by e-mail address or user id."
    ),
    DenialCode.TARGET_BOT: "{member_mention} is a bot, not a person. Nothing was changed.",
    DenialCode.TARGET_DEACTIVATED: (
        "{member_mention} is deactivated in Slack. Nothing was changed: their Genesys Cloud login may still be alive. "
        "Name it by e-mail address or user id."
    ),
    DenialCode.NO_EMAIL: (
        "{member_mention} has no e-mail address in Slack that I can see, so I cannot find them in Genesys Cloud. "
        "Nothing was changed. Name them by e-mail address or Genesys Cloud user id."
    ),
    DenialCode.EMAIL_UNCONFIRMED: (
        "{member_mention} has not confirmed their e-mail address in Slack, so it proves nothing. Nothing was changed. "
        "Name them by e-mail address or Genesys Cloud user id."
    ),
    DenialCode.UNKNOWN_IN_GENESYS: (
        "Genesys Cloud knows nobody as `{named}` (or the bot's role may not see them). Nothing was changed. "
        "Somebody added seconds ago may need a minute to be found."
    ),
    DenialCode.SEVERAL_IN_GENESYS: (
        "Genesys Cloud knows {count} active people with the address `{email}`. Nothing was changed; I do not guess. "
        "Name the one by Genesys Cloud user id."
    ),
    DenialCode.INACTIVE_IN_GENESYS: (
        "`{named}` is inactive in Genesys Cloud and cannot log in. Nothing was changed, and nothing needs to be."
    ),
}


def sentence(refused: Denied) -> str:
    """Say why not, in Slack's markup; facts are made harmless, and `*_mention` facts become mentions."""
    known = {name: escape(value) for name, value in refused.facts.items()}
    known |= {f"{name}_mention": f"<@{known[name]}>" for name in ("member", "requester") if name in refused.facts}
    text = SENTENCES[refused.reason].format_map(defaultdict(lambda: "?", known))
    if "unread" in refused.facts:
        text += f" Not everything could be checked, and what cannot be checked counts as no: {known['unread']}."
    return text


def matter(refused: Denied) -> str:
    """Say what is the matter and no more: for who only asked how things stand, nothing could have changed."""
    return sentence(refused).partition(" Nothing was changed")[0]
