"""The sentences in English.

Codes: `reason.*` and `hint.*` explain an error or denial; `request.*` are the texts of every action, which an action
replaces with its own (`revoke.*`, `rotate.*`); the rest belongs to one command or view. The glossary: revoke, session,
request, approve, rotate.
"""

from __future__ import annotations

SENTENCES = {
    # --- shared ---------------------------------------------------------------------------------------------------
    "contact": "an admin of this bot",
    "nothing_changed": "*Nothing was changed.*",
    "nothing_changed.plain": "Nothing was changed.",
    "nothing_yet": "*Nothing has happened yet.*",
    "reference": "Reference `{reference}`",
    "reference.plain": "Reference {reference}.",
    "checkpoint": "audit {checkpoint}",
    "correlation_id": "Genesys Cloud correlation id `{correlation_id}`",
    "unverified": "Could not be checked, so it counts as no: {unverified}.",
    "unchecked": "Could not be checked: {unverified}.",
    "starting": "I am still starting. *Nothing was changed.* Try again in a few seconds.",
    "stopping": "I am restarting. *Nothing was changed.* Try again in a few seconds.",
    "too_many": "You send more than I take from one person. *Nothing was changed.* Try again in a minute.",
    "people": "{count} people",
    "people.1": "one person",
    "delay.seconds": "{count} s",
    "delay.minutes": "about {count} minutes",
    "delay.hours.1": "about an hour",
    "delay.hours": "about {count} hours",
    # --- what could not be read, and why ----------------------------------------------------------------------------
    "unread": "{what} ({why})",
    "unread.correlation_id": "{what} ({why}, correlation id `{correlation_id}`)",
    "unread.more": "and {count} more",
    "unread.user_group": "the user group {mention}",
    "unread.slack_user": "{mention} in Slack",
    "unread.genesys_roles": "the roles in Genesys Cloud",
    "unread.genesys_people": "people in Genesys Cloud",
    "unread.protected_people": "who is protected",
    "unread.other": "something that another version of me reads",
    "why.no_members": "it has no members",
    "why.too_many_members": "it has too many members to look up each of them",
    "why.no_email_address": "Slack shows no email address",
    "why.invalid_target": "Genesys Cloud gave no user id that I can use",
    "why.rate_allowance": "I keep the rest of what Genesys Cloud allows me for revocations",
    "why.no_email": "Slack shows no email address",
    "why.email_unconfirmed": "the email address in Slack is not confirmed",
    "why.target_is_no_address": "the email address in Slack is not a valid one",
    "why.several_in_genesys": "several users of Genesys Cloud have the email address",
    "why.unknown_in_genesys": "no user of Genesys Cloud has the email address",
    "why.inactive_in_genesys": "the user there is inactive",
    "why.genesys_error": "Genesys Cloud reports an error",
    "why.genesys_unreachable": "Genesys Cloud can't be reached",
    "why.genesys_not_sent": "I sent nothing to Genesys Cloud",
    "why.genesys_no_response": "Genesys Cloud did not answer in time",
    "why.genesys_rate_limited": "Genesys Cloud takes no more requests for now",
    "why.genesys_unauthenticated": "Genesys Cloud doesn't accept the bot's token",
    "why.genesys_forbidden": "the role of the bot's OAuth client lacks a permission",
    "why.genesys_not_found": "Genesys Cloud did not find what I asked for",
    "why.genesys_rejected": "Genesys Cloud rejected the request",
    "why.genesys_server_error": "Genesys Cloud reports an error",
    "why.genesys_login_failed": "Genesys Cloud gave the bot no token",
    "why.slack_error": "Slack reports an error",
    "why.ratelimited": "Slack limits how often I may ask",
    "why.rate_limited": "Slack limits how often I may ask",
    "why.timeout": "Slack did not answer in time",
    "why.request_timeout": "Slack did not answer in time",
    "why.connect_timeout": "Slack can't be reached",
    "why.connect_error": "Slack can't be reached",
    "why.connection_lost": "the connection to Slack was lost",
    "why.dns_error": "Slack can't be reached",
    "why.tls_error": "no safe connection to Slack is possible",
    "why.proxy": "the proxy between Slack and me refuses the connection",
    "why.proxy_unreachable": "the proxy between Slack and me can't be reached",
    "why.http": "Slack did not answer as it should",
    "why.bad_response": "Slack did not answer as it should",
    "why.other_error": "Slack can't be reached",
    "why.internal_error": "Slack has a problem of its own",
    "why.fatal_error": "Slack has a problem of its own",
    "why.service_unavailable": "Slack has a problem of its own",
    "why.invalid_auth": "Slack doesn't accept the bot's token",
    "why.not_authed": "Slack doesn't accept the bot's token",
    "why.not_allowed_token_type": "Slack doesn't accept the bot's token",
    "why.token_revoked": "Slack doesn't accept the bot's token",
    "why.token_expired": "Slack doesn't accept the bot's token",
    "why.account_inactive": "Slack doesn't accept the bot's token",
    "why.missing_scope": "the bot's app in Slack lacks a scope",
    "why.no_permission": "Slack doesn't allow the bot to do this",
    "why.access_denied": "Slack doesn't allow the bot to do this",
    "why.restricted_action": "Slack doesn't allow the bot to do this",
    "why.no_such_subteam": "Slack has no such user group, or it is disabled",
    "why.user_not_found": "Slack doesn't know them",
    "why.not_in_channel": "I am not a member of that channel",
    "why.channel_not_found": "I don't see that channel",
    "why.is_archived": "that channel is archived",
    "why.channel_shared": "people of another organization see that channel, or are invited to it",
    "why.channel_unreadable": "I can't find out who sees that channel",
    "why.invalid_blocks": "Slack doesn't accept the message",
    "why.msg_too_long": "Slack doesn't accept the message",
    "why.no_direct_messages": "Slack doesn't deliver direct messages from me there",
    "why.messages_tab_disabled": "the bot's app doesn't take direct messages",
    "why.expired_trigger_id": "it took too long",
    "why.not_called_yet": "I am still starting",
    # --- denials: the person ----------------------------------------------------------------------------------------
    "reason.outsider": "Only members of this workspace can use this bot.",
    "hint.outsider": "Ask a member of this workspace.",
    "reason.guest": "Guests can't use this bot: only full members of this workspace can.",
    "hint.guest": "Ask {contact} if you should be one.",
    "reason.bot": "Bots and apps can't use this bot: only people can.",
    "reason.deactivated": "Your Slack account is deactivated.",
    "reason.not_a_requester": "You can't request this.",
    "hint.not_a_requester": "`/purecloud whoami` shows what you can do. Ask {contact} if you should be able to.",
    "reason.not_an_approver": "You can't approve this request.",
    "hint.not_an_approver": "The request is still open for its approvers. Ask {contact} if you should be one.",
    "reason.not_an_admin": "Only admins of this bot can do this.",
    "hint.not_an_admin": "Ask {contact} if you should be one.",
    "reason.may_not_break_glass": "You can't revoke alone under break glass.",
    "hint.may_not_break_glass": "`/purecloud whoami` shows what you can do. Ask {contact} if you should be able to.",
    "reason.break_glass_of_another": "Only {requester_mention} can approve or cancel this, because it is a request under break glass.",
    "hint.break_glass_of_another": "Ask them to decide it.",
    "reason.break_glass_for_oneself": "You can't break glass on your own account.",
    "hint.break_glass_for_oneself": "Another person must do it, or you request `/purecloud revoke me`.",
    "reason.break_glass_without_reason": "Break glass needs a reason, because no one else decides.",
    "hint.break_glass_without_reason": "Write it after the person, for example `/purecloud break-glass @tom laptop stolen, device wiped`.",
    "reason.break_glass_too_soon": "You can break glass once in 10 minutes, and again from {possible_time}.",
    "hint.break_glass_too_soon": "Until then, `/purecloud revoke` asks for an approval.",
    "reason.own_request": "You requested this yourself, so a different approver must decide.",
    "reason.own_protected_request": "You requested this yourself. It needs the approval of {other_approvers}.",
    "other_approvers": "{count} other approvers",
    "other_approvers.1": "one other approver",
    "other_approvers.2": "two other approvers",
    "reason.already_approved": "You have already approved this request. Another approver is needed.",
    "reason.not_yours_to_cancel": "Only {requester_mention} can cancel this request.",
    "hint.not_yours_to_cancel": "If you are an approver, press *Decline*.",
    "reason.not_yours_to_decline": "Only approvers can decline this request.",
    "hint.not_yours_to_decline": "The request is still open for its approvers.",
    "reason.own_request_to_decline": "You requested this yourself, so you can't decline it.",
    "hint.own_request_to_decline": "Press *Cancel request* to end it.",
    "reason.decline_reason_missing": "I need your reason to decline this request.",
    "hint.decline_reason_missing": "Press *Decline* again.",
    "reason.followed_by_others": "{follower_mention} has requested this too, so you can't cancel it for both of you.",
    "hint.followed_by_others": "An approver can decline it.",
    "reason.too_many_open_requests": "You have reached the limit of open requests for one person ({limit}).",
    "hint.too_many_open_requests": (
        "Cancel one, or wait until one is decided: `/purecloud pending` lists them. Another person can request this now."
    ),
    "reason.reason_missing": "A reason is required here.",
    "hint.reason_missing": "Write it after the person, for example `/purecloud {command} @tom laptop stolen`.",
    "reason.rules_changed": "You may approve now, but not under the rules that applied when this request was made.",
    "hint.rules_changed": "Ask for a new request.",
    "reason.rules_changed_to_decline": "You may decline now, but not under the rules that applied when this request was made.",
    "hint.rules_changed_to_decline": "Ask {requester_mention} to cancel it, or an approver from then to decline it.",
    "reason.target_cannot_decide": "This request is about you, so you can't approve, decline or cancel it.",
    "hint.target_cannot_decide": "The request is still open for its approvers.",
    "reason.request_altered": "This request was altered outside the bot, so I don't act on it.",
    "hint.request_altered": "Request it again, and ask {contact} to find out who can write to the database of this bot.",
    "reason.click_altered": "A click in your name was added or altered outside the bot, so it doesn't count.",
    "hint.click_altered": "If you did click, click again. Otherwise report this to {contact}.",
    "reason.command_altered": "A command in your name was added or altered outside the bot, so I don't act on it.",
    "hint.command_altered": "If you did send it, send it again. Otherwise report this to {contact}.",
    "reason.clicker_unreadable": "I could not find out in time whether you may decide this, so your click doesn't count.",
    "hint.clicker_unreadable": "Request it again if it is still needed.",
    "reason.expired_undecided": (
        "This request expired before I could find out whether you may decide it, so your click doesn't count."
    ),
    "hint.expired_undecided": "Request it again if it is still needed.",
    "reason.command_postponed": "Your command is stored, but what you may do, or whom it is about, could not be checked yet.",
    "hint.command_postponed": "I try again in {delay} and go on by myself: you don't need to type it again.",
    "reason.click_postponed": "Your click is stored, but whether you may decide this could not be checked yet.",
    "hint.click_postponed": "I try again in {delay} and go on by myself: you don't need to click again.",
    "reason.check_unavailable": "What you may do could not be checked: I can't read {unread}.",
    "hint.check_unavailable": "Try again in a moment.",
    "hint.check_unavailable.retry_after": "Try again in {retry_after}.",
    "reason.clock_behind": "My clock is behind the time in my database, so I accept no approval.",
    "hint.clock_behind": "Ask {contact} to correct the clock. Then click again.",
    "reason.no_approver_here": "This needs an approver, and no one else can see this conversation.",
    "hint.no_approver_here": "Request it in a channel with an approver, or ask {contact} to set a channel for approvals.",
    "reason.channel_shared": (
        "People of another organization see {channel_mention}, or are invited to it, so I post no request there."
    ),
    "hint.channel_shared": "Request it in a channel of your own organization, or ask {contact} to set a channel for approvals.",
    "hint.channel_shared.configured": (
        "Ask {contact} to set APPROVALS_CHANNEL to a channel of your own organization, or to stop sharing this one."
    ),
    "reason.channel_unreadable": "I can't find out who sees {channel_mention}, so I post no request there.",
    "hint.channel_unreadable": (
        "Invite me to that channel, request it in another one, or ask {contact} to set a channel for approvals."
    ),
    "reason.too_few_approvers": (
        "No one could approve this request, and {required_approvers} needed, so I did not create it."
    ),
    "reason.too_few_approvers.approvers": (
        "Only {approver_mentions} could approve this request, and {required_approvers} needed, so I did not create it."
    ),
    "hint.too_few_approvers": "Ask {contact} to name more approvers. Guests and deactivated people don't count.",
    "required_approvers": "{count} approvers are",
    "required_approvers.1": "one approver is",
    "required_approvers.2": "two approvers are",
    "reason.line_too_long": "That line has {length} characters; I read {limit} at most.",
    "hint.line_too_long": "Shorten the reason.",
    # --- denials: the target ----------------------------------------------------------------------------------------
    "reason.target_missing": "Who is it about? Name one person after the command.",
    "hint.target_missing": "Type @ and pick the person, or use an email address or a Genesys Cloud user id.",
    "reason.target_unreadable": "I don't know who `{word}` is.",
    "hint.target_unreadable": (
        "Put the person first: type @ and pick them, or use an email address or a Genesys Cloud user id. "
        "The reason comes after that."
    ),
    "hint.target_unreadable.list": (
        "Name one person and nothing else: type @ and pick them, or use an email address or a Genesys Cloud user id. "
        "The reference of a request works too."
    ),
    "reason.target_is_no_address": "`{word}` is not an email address.",
    "hint.target_is_no_address": "Type @ and pick the person, or use an email address such as `tom@example.com`.",
    "reason.target_is_a_plain_name": "Slack sent `{word}` as plain text, so I can't say who that is.",
    "hint.target_is_a_plain_name": (
        "Pick the person from Slack's list while you type, or use their email address. If this happens every time, the "
        "app's manifest needs `should_escape: true`."
    ),
    "reason.target_is_a_group": "I can't act on a channel, or on a user group in the middle of a line.",
    "reason.target_is_a_group.list": "I can't list the requests about a channel or a user group.",
    "hint.target_is_a_group.list": "Name one person.",
    "hint.target_is_a_group": "Name one person. Admins can name one user group, right after the command.",
    "reason.may_not_revoke_many": "Only admins of this bot can name several people in one request.",
    "hint.may_not_revoke_many": "Send one command per person. In the reason, leave out @ and email addresses.",
    "reason.list_in_pieces": "The reason names `{word}`, and I don't guess whether that person is meant too.",
    "hint.list_in_pieces": "Name all people first. In the reason, leave out @ and email addresses.",
    "reason.list_without_people": "I found no one in Genesys Cloud whom this list names, other than yourself.",
    "hint.list_without_people": "Check the addresses and ids.",
    "reason.set_unknown": "I find nothing named `{word}` in Genesys Cloud.",
    "hint.set_unknown": 'Write the whole name, in quotes if it has spaces: `queue:"Billing EN"`.',
    "reason.set_ambiguous": "Genesys Cloud has several named `{word}`, and I don't guess which one you mean.",
    "hint.set_ambiguous": "Rename one of them, or send a list of people.",
    "reason.requested_again_already": "The open request `{open}` is already about those left by `{earlier}`.",
    "hint.requested_again_already": "Decide that one: `/purecloud pending` lists it until it is approved.",
    "reason.list_too_long": "That names {count} people; one request takes {limit} at most.",
    "hint.list_too_long": "Split the list, or ask {contact} to raise BULK_LIMIT.",
    "reason.file_without_people": "I find no column with email addresses or Genesys Cloud user ids in that file.",
    "hint.file_without_people": "Send a CSV file with one person per line.",
    "reason.file_column_unclear": "Several columns of that file have email addresses or ids, and I don't guess which one you mean.",
    "hint.file_column_unclear": "Keep one of them, and send the file again.",
    "reason.file_is_not_text": "That file is not a text file.",
    "hint.file_is_not_text": "Save it as CSV and send it again.",
    "reason.file_too_large": "That file is larger than {limit} KiB.",
    "hint.file_too_large": "Remove other columns, or split it.",
    "reason.file_not_in_slack": "I take only files that are stored in Slack itself, and I can't read this one.",
    "hint.file_not_in_slack": "Upload it in the form again. If that does not help, ask {contact} whether the app has the scope `files:read`.",
    "reason.target_is_a_channel": "That is a channel, not a person.",
    "hint.target_is_a_channel": "Name one person.",
    "reason.several_targets": "That names {count} people ({names}), and I don't guess which one you mean.",
    "hint.several_targets.list": "Send one command per person.",
    "hint.several_targets": "Send one command per person. In the reason, leave out @ and email addresses.",
    "reason.target_not_in_slack": "Slack doesn't know that person, or doesn't show them to me.",
    "hint.target_not_in_slack": "Use their email address or Genesys Cloud user id, which work without Slack.",
    "reason.target_outsider": "{member_mention} is not a member of this workspace, so their email address proves nothing here.",
    "hint.target_outsider": "If they have an account in your Genesys Cloud, use its email address or user id.",
    "reason.target_guest": "{member_mention} is a guest in Slack, so their email address proves nothing here.",
    "hint.target_guest": "Use the email address or user id of their Genesys Cloud account.",
    "reason.target_bot": "{member_mention} is a bot, not a person.",
    "hint.target_bot": "Name one person.",
    "reason.target_deactivated": "{member_mention} is deactivated in Slack. Their Genesys Cloud account may still work.",
    "hint.target_deactivated": "Use their email address or Genesys Cloud user id.",
    "reason.no_email": "{member_mention} has no email address in Slack that I can see, so I can't find them in Genesys Cloud.",
    "hint.no_email": "Use their email address or Genesys Cloud user id.",
    "reason.email_unconfirmed": "{member_mention} has not confirmed their email address in Slack, so it proves nothing.",
    "hint.email_unconfirmed": "Use their email address or Genesys Cloud user id.",
    "reason.unknown_in_genesys": "Genesys Cloud has no user `{named}` that the bot's role can see.",
    "hint.unknown_in_genesys": "A user added seconds ago may need a minute to appear. Deleted users can't be found.",
    "reason.several_in_genesys": "Genesys Cloud has {count} users with the address `{email}`, and I don't guess.",
    "hint.several_in_genesys": "Use the Genesys Cloud user id.",
    "reason.inactive_in_genesys": "`{named}` is inactive in Genesys Cloud and can't log in.",
    # --- errors -----------------------------------------------------------------------------------------------------
    "reason.internal_error": "Something broke on my side.",
    "hint.internal_error": "Ask {contact}, who finds it in the log as `{incident}`.",
    "reason.database_unavailable": "My database doesn't answer.",
    "hint.database_unavailable": "Try again in a moment.",
    "reason.commit_unknown": "The connection to my database broke, so I can't say whether I stored this.",
    "hint.commit_unknown": "Wait a moment, and look whether it took effect before you try again.",
    "reason.database_full": "My database's disk is full or broken.",
    "hint.database_full": "Ask {contact} to fix it. Then try again.",
    "reason.database_replaced": "My database was replaced, so I am restarting.",
    "hint.database_replaced": "Try again in a moment.",
    "reason.unreadable_row": "I can't read this request: another version of me made it, or its data is damaged.",
    "hint.unreadable_row": "If I am being upgraded, try again in a few minutes. Otherwise ask {contact}.",
    "reason.slack_unavailable": "I could not look this up in Slack: {why}.",
    "hint.slack_unavailable": "Try again in a moment.",
    "hint.slack_unavailable.retry_after": "Try again in {retry_after}.",
    "reason.slack_call_failed": "Slack didn't do what I asked for: {why}.",
    "hint.slack_call_failed": "Try again.",
    "hint.slack_call_failed.retry_after": "Try again in {retry_after}.",
    "reason.slack_token_refused": "I could not look this up in Slack: {why}.",
    "hint.slack_token_refused": "This does not pass by itself: ask {contact} to fix it.",
    "reason.genesys_error": "Genesys Cloud did not do it.",
    "hint.genesys_error": "If this happens again, ask {contact}.",
    "reason.genesys_unreachable": "Genesys Cloud can't be reached.",
    "hint.genesys_unreachable": "Try again in a moment.",
    "reason.genesys_not_sent": "I sent nothing to Genesys Cloud.",
    "hint.genesys_not_sent": "Try again in a moment.",
    "reason.genesys_no_response": "Genesys Cloud did not answer in time.",
    "reason.genesys_no_response.unexpected_response": (
        "I got a response that Genesys Cloud does not document. A proxy may have answered in its place."
    ),
    "hint.genesys_no_response": "Try again in a moment.",
    "reason.genesys_rate_limited": "Genesys Cloud takes no more requests for now (429).",
    "reason.genesys_rate_limited.reserved": "I keep the rest of what Genesys Cloud allows me in reserve.",
    "hint.genesys_rate_limited": "Try again in a minute.",
    "hint.genesys_rate_limited.retry_after": "Try again in {retry_after}.",
    "reason.genesys_unauthenticated": "Genesys Cloud doesn't accept the bot's token, even after a renewal.",
    "hint.genesys_unauthenticated": "This does not pass by itself: ask {contact} to fix it.",
    "reason.genesys_forbidden": "The role of the bot's OAuth client lacks {permissions} in Genesys Cloud.",
    "reason.genesys_forbidden.permission": "a permission",
    "hint.genesys_forbidden": "Ask {contact}: a Genesys Cloud admin must add it to the role.",
    "reason.genesys_not_found": "Genesys Cloud did not find what I asked for (404).",
    "hint.genesys_not_found": "If this happens again, ask {contact}.",
    "reason.genesys_rejected": "Genesys Cloud rejected the request.",
    "reason.genesys_rejected.status": "Genesys Cloud rejected the request ({status}).",
    "reason.genesys_rejected.detail": "Genesys Cloud rejected the request ({status}): {detail}.",
    "reason.genesys_rejected.invalid_target": "That is not a Genesys Cloud user id, so nothing was sent.",
    "reason.genesys_rejected.unreadable_response": "Genesys Cloud sent a response that I can't read.",
    "hint.genesys_rejected": "If this happens again, ask {contact}.",
    "hint.genesys_rejected.invalid_target": "Check the id.",
    "reason.genesys_server_error": "Genesys Cloud answered with an error ({status}).",
    "hint.genesys_server_error": "Try again in a moment.",
    "hint.genesys_server_error.retry_after": "Try again in {retry_after}.",
    "reason.genesys_login_failed": "Genesys Cloud gave the bot no token.",
    "reason.genesys_login_failed.detail": "Genesys Cloud gave the bot no token: {detail}.",
    "reason.genesys_login_failed.client_not_found": (
        "Genesys Cloud doesn't know the bot's OAuth client: PURECLOUD_CLIENT_ID is wrong, or it belongs to another region "
        "than PURECLOUD_ENVIRONMENT."
    ),
    "reason.genesys_login_failed.wrong_secret": "Genesys Cloud doesn't accept PURECLOUD_SECRET.",
    "reason.genesys_login_failed.rate_limited": "Genesys Cloud's login takes no more requests for now.",
    "reason.genesys_login_failed.unreachable": "Genesys Cloud's login can't be reached.",
    "reason.genesys_login_failed.no_response": "Genesys Cloud's login did not answer in time.",
    "hint.genesys_login_failed": "Ask {contact} to fix it.",
    "hint.genesys_login_failed.other.retry_after": "Try again in {retry_after}.",
    "hint.genesys_login_failed.rate_limited": "Try again in a minute.",
    "hint.genesys_login_failed.rate_limited.retry_after": "Try again in {retry_after}.",
    "hint.genesys_login_failed.unreachable": "Try again in a moment.",
    "hint.genesys_login_failed.no_response": "Try again in a moment.",
    # --- clicks that come too late ----------------------------------------------------------------------------------
    "reason.stale_request": "I don't know this request any more.",
    "hint.stale_request": "Request it again if it is still needed.",
    "stale.pending": "Your click came too late. *Nothing was changed.*",
    "stale.approved": "Your click changed nothing: this request is already approved and in progress.",
    "stale.approved.paused": "Your click changed nothing: this request is already approved, and {admin} has paused it.",
    "stale.approved.stopped": "Your click changed nothing: this request is already approved, and {admin} has stopped it.",
    "stale.revoked": "Your click changed nothing: this request is already approved and executed.",
    "stale.refused": "Your click changed nothing: this request is already approved. {outcome}",
    "stale.failed": "Your click changed nothing: this request is already approved. {outcome}",
    "stale.unknown": "Your click changed nothing: this request is already approved. {outcome}",
    "stale.cancelled": "Too late: this request is already cancelled. *Nothing was changed.*",
    "stale.declined": "Too late: this request is already declined. *Nothing was changed.*",
    "stale.expired": "Too late: this request has expired. *Nothing was changed.* Request it again: {command}",
    # --- cards of every action --------------------------------------------------------------------------------------
    "request.notified": "{headline} Requested by {requester_mention}.",
    "request.notified.reason": "{headline} Requested by {requester_mention}: {reason}.",
    "request.notified.pending": "{needed}: {title} Requested by {requester_mention}.",
    "request.notified.pending.reason": "{needed}: {title} Requested by {requester_mention}: {reason}.",
    "request.needed": "Approval needed",
    "request.needed.several": "Approval {number} of {required} needed",
    "request.summary.slack_user": "Requested for {target_mention} (Slack: {slack_name}).",
    "request.title": "Execute {action}?",
    "request.subject": "{target}",
    "request.button": "Approve",
    "request.button.label": "Approve: {subject}",
    "request.button.decline": "Decline",
    "request.button.decline.label": "Decline request about {subject}",
    "request.button.cancel": "Cancel request",
    "request.button.cancel.label": "Cancel request about {subject}",
    "request.dialog.title": "Approve this request?",
    "request.dialog.text": "It can't be undone.",
    "request.dialog.slack_user": "Requested for {slack_name} in Slack.",
    "request.dialog.warning": "Read the warnings on the card.",
    "request.dialog.approve": "Approve",
    "request.dialog.back": "Go back",
    "request.dialog.cancel.title": "Cancel this request?",
    "request.dialog.cancel.text": "It is about {subject}. No one can approve it then. You can request it again.",
    "request.by": "{requester} requests this:",
    "request.by.no_reason": "{requester} requests this and gives no reason.",
    "request.by.own": "*{requester} requests this for their own account*:",
    "request.by.own.no_reason": "*{requester} requests this for their own account* and gives no reason.",
    "request.slack_user": (
        ":warning: *Requested for {target}, whose name in Slack is another one: {slack_name}.* "
        "Make sure that this is the right person."
    ),
    "request.warning": ":warning: *Not everything is as it looks:*",
    "request.warning.hidden": "I removed hidden characters from: {fields}.",
    "request.warning.blank": "Nothing in it is visible: {fields}.",
    "request.warning.mixed": "A word mixes letters of several alphabets: {fields}.",
    "request.warning.long": "It is longer than shown: {fields}.",
    "request.approvals": "*{count} of {required} approvals*{given}. Still needed: {missing}, not {requester}.",
    "request.approvals.protected": (
        "*Protected: {count} of {required} approvals*{given}. Still needed: {missing}, not {requester}."
    ),
    "request.approvals.one": "*Protected*: needs {missing}, not {requester}.",
    "request.approvals.given": " ({approvers})",
    "request.dropped": "The approval of {approvers} no longer counts: they may not approve this any more.",
    "request.ping": "{approvers}: this request waits for your decision.",
    "request.requested_by": "Requested by {requester_mention}",
    "request.open_until": "Open until {time}",
    "request.reference": "reference `{reference}`",
    "request.cancelled_by": "cancelled by {approver_mention}",
    "request.declined_by": "declined by {approver_mention}",
    "request.approved_by": "approved by {approvers}",
    "request.approved_only_by": "approved only by {approvers}",
    "request.division": "division {division}",
    "request.state.not_active": "{state}",
    "request.target_id": "Genesys Cloud id `{id}`",
    "request.correlation_id": "correlation id `{correlation_id}`",
    "request.fact.name": "Name",
    "request.fact.email": "Email",
    "request.fact.division": "Division",
    "request.fact.state": "State",
    "request.fact.slack_name": "Name in Slack",
    # --- outcomes of every action -----------------------------------------------------------------------------------
    "request.headline.pending": "Waiting for approval: {subject}",
    "request.headline.approved.waiting": "Approved, waiting for Genesys Cloud: {subject}",
    "request.headline.approved": "Approved, in progress: {subject}",
    "request.headline.revoked": "Done: {subject}",
    "request.headline.refused": "Refused by Genesys Cloud: {subject} not changed",
    "request.headline.failed": "Failed: {subject} not changed",
    "request.headline.failed.unchanged": "Failed: {subject} not changed",
    "request.headline.unknown": "Unknown: {subject} may not have changed",
    "request.headline.cancelled": "Cancelled: {subject} not changed",
    "request.headline.declined": "Declined: {subject} not changed",
    "request.headline.expired": "Expired: {subject} not changed",
    "request.outcome.pending": "Nothing has happened yet.",
    "request.outcome.approved": "The call to Genesys Cloud is in progress. This card will show how it ends.",
    "request.outcome.retrying": "{problem} Nothing was changed so far. I am trying again, and this card will show how it ends.",
    "request.outcome.retrying.uncertain": (
        "{problem} Whether anything was changed is unknown so far. I am trying again, and this card will show how it ends."
    ),
    "request.outcome.revoked": "Genesys Cloud confirmed it.",
    "request.outcome.cancelled": "*Nothing was changed.*",
    "request.outcome.declined": "*Nothing was changed.* The reason: {declined_because}",
    "request.outcome.expired": "*Nothing was changed.* It was not approved in time.",
    "request.outcome.expired.approved": ("*Nothing was changed.* Only {approvers} approved in time; {needed} needed."),
    "request.approvals_needed": "{count} approvals were",
    "request.approvals_needed.1": "one approval was",
    "request.approvals_needed.2": "two approvals were",
    "request.outcome.failed.unchanged": "*Nothing was changed.* {problem}{asked}",
    "request.continues_at": "Next attempt: {time}.",
    "request.possible_at": "Genesys Cloud takes requests again from {time}.",
    "request.outcome.failed.untouched": "*Nothing was changed.* {problem}",
    "request.outcome.failed": "{problem}{asked} *Treat it as not done.*",
    "request.outcome.unknown": (
        "{problem} I asked Genesys Cloud {times} and got no certain answer, so I can't say whether it was done. "
        "*Check in Genesys Cloud.*"
    ),
    "request.outcome.refused": "{changed} {problem}",
    "request.asked": " I asked {times}.",
    "request.steps": "Request it again: {command}",
    "request.steps.expired": "Request it again if it is still needed: {command}",
    "request.steps.refused.not_authorized": (
        "Request it again: {command}\nAsk {contact} to find out who can write to the database of this bot."
    ),
    "request.steps.refused.genesys_forbidden": (
        "Ask {contact}: a Genesys Cloud admin must add the permission to the role of the bot's OAuth client.\n"
        "Then request it again: {command}"
    ),
    "request.in_division": ", for the division {division}",
    "request.changed.nothing": "*Nothing was changed.*",
    "request.changed.uncertain": "This attempt changed nothing; an earlier one got no certain answer.",
    "request.times.1": "once",
    "request.times": "{times} times",
    "request.times.at_least": "at least {times}",
    "request.times.not_known": "an unknown number of times",
    "problem.too_late": "More than 10 minutes have passed since the approval.",
    "problem.too_many_attempts": "It was sent as often as the bot allows.",
    "problem.clock_behind": "The bot's clock is behind the time in its database, so the age of the approval is uncertain.",
    "problem.process_ended": "The process that held the token has ended.",
    "problem.not_authorized": "The stored approvals can't be verified, so nothing was sent.",
    "problem.not_authorized.later": "The stored approvals can't be verified any more, so nothing more was sent.",
    "problem.no_target": "The request names no person.",
    "problem.other": "It did not work.",
    "problem.genesys_forbidden": "Genesys Cloud refused (403): the bot's role lacks {permissions}.",
    "problem.genesys_forbidden.permissions": "the permission {permissions}",
    "problem.genesys_forbidden.several": "the permissions {permissions}",
    "problem.genesys_forbidden.permission": "a permission",
    # --- what the target is doing ----------------------------------------------------------------------------------
    "live.now": "In Genesys Cloud ({time}): {state}",
    "live.before": "In Genesys Cloud just before: {state}",
    "live.unknown": "what they are doing is not known",
    "live.conversations": "in {kinds}",
    "live.conversations.0": "in no conversation",
    "live.conversations.unknown": "conversations not known",
    "live.media.call": "{count} calls",
    "live.media.call.1": "1 call",
    "live.media.callback": "{count} callbacks",
    "live.media.callback.1": "1 callback",
    "live.media.chat": "{count} chats",
    "live.media.chat.1": "1 chat",
    "live.media.email": "{count} emails",
    "live.media.email.1": "1 email",
    "live.media.message": "{count} message conversations",
    "live.media.message.1": "1 message conversation",
    "live.media.social": "{count} social media conversations",
    "live.media.social.1": "1 social media conversation",
    "live.media.video": "{count} video calls",
    "live.media.video.1": "1 video call",
    "live.queue.on": "on queue",
    "live.queue.off": "off queue",
    "live.queue.unknown": "queue not known",
    "live.presence.available": "available",
    "live.presence.away": "away",
    "live.presence.break": "on a break",
    "live.presence.busy": "busy",
    "live.presence.idle": "idle",
    "live.presence.meal": "at a meal",
    "live.presence.meeting": "in a meeting",
    "live.presence.offline": "offline",
    "live.presence.on_queue": "presence On Queue",
    "live.presence.training": "in training",
    "live.presence.unknown": "presence not known",
    "live.last_login": "last logged in {time}",
    "live.last_login.unknown": "last logged in: not known",
    # --- whether the person has logged in again ------------------------------------------------------------------
    "watch.watching": "I watch until {time} whether they log in again.",
    "watch.logged_in": "*Logged in again* ({time}). Once single sign-on is blocked, revoke again: {command}",
    "watch.same_second": (
        "*May be logged in again*: Genesys Cloud issued a token ({time}), in the same second as the revocation, so I "
        "can't say whether it is still valid. Once single sign-on is blocked, revoke again: {command}"
    ),
    "watch.no_login": "No new login until {time}.",
    "watch.no_login.incomplete": "No new login until {time}. After that, Genesys Cloud does not say.",
    "watch.not_known": "Genesys Cloud does not say whether they have logged in again.",
    "watch.revoked_again": "Revoked again ({time}), so I stopped watching for this request.",
    "watch.notified": "{target} may be logged in to Genesys Cloud again.",
    "watch.message.logged_in": (
        "*{target} logged in to Genesys Cloud again* ({time}), after all their sessions were revoked.\n"
        "Single sign-on may have done it: to keep them out, block the login at your identity provider first.\n"
        "Then revoke again: {command}"
    ),
    "watch.message.same_second": (
        "*{target} may be logged in to Genesys Cloud again*: it issued a token ({time}), in the same second as the "
        "revocation, so I can't say whether that is still valid.\n"
        "To keep them out, block the login at your identity provider first.\n"
        "Then revoke again: {command}"
    ),
    # --- several expired requests in one message ----------------------------------------------------------------------
    "expirations.headline": (
        "*{count} requests expired*: they were not approved in time. Nothing was changed. Request again what is still needed."
    ),
    "expirations.line": "{reference}: {subject}",
    # --- revoke -----------------------------------------------------------------------------------------------------
    "revoke.title": "Revoke all sessions of {target}?",
    "revoke.subject": "all sessions of {target}",
    "revoke.effects": (
        "*Ends every Genesys Cloud session and token now*. It can't be undone.\n"
        "A call or chat in progress may drop.\n"
        "*Does not lock them out*: single sign-on can log them back in at once."
    ),
    "revoke.state.not_active": "{state}; open sessions, if any, end",
    "revoke.button": "Revoke all sessions",
    "revoke.button.label": "Revoke all sessions of {target}",
    "revoke.dialog.title": "Revoke all sessions?",
    "revoke.dialog.text": "{target} is logged out everywhere, now. A call in progress may drop. It can't be undone.",
    "revoke.dialog.approve": "Revoke all sessions",
    "revoke.headline.revoked": "Revoked: all sessions of {target}",
    "revoke.headline.approved": "Approved: ending all sessions of {target} now",
    "revoke.headline.refused": "Refused by Genesys Cloud: sessions of {target} not ended",
    "revoke.headline.failed.unchanged": "Failed: sessions of {target} not ended",
    "revoke.headline.failed": "Failed: sessions of {target} not known to have ended",
    "revoke.headline.unknown": "Unknown: {target} may still be logged in",
    "revoke.headline.cancelled": "Cancelled: sessions of {target} not touched",
    "revoke.headline.declined": "Declined: sessions of {target} not touched",
    "revoke.headline.expired": "Expired: sessions of {target} not touched",
    "revoke.outcome.revoked": (
        "Genesys Cloud confirmed that every session and token has ended.\n"
        "*Not locked out*: single sign-on can log them back in at once. To keep them out, block the login at your "
        "identity provider."
    ),
    "revoke.outcome.retrying": "{problem} No session has ended so far. I am trying again, and this card will show how it ends.",
    "revoke.outcome.retrying.uncertain": (
        "{problem} Whether any session ended is unknown so far. I am trying again, and this card will show how it ends."
    ),
    "revoke.outcome.failed": "{problem}{asked} *Treat {target} as logged in*: no session is known to have ended.",
    "revoke.outcome.unknown": (
        "{problem} I asked Genesys Cloud {times} and got no certain answer, so I can't say whether the sessions ended. "
        "*Treat {target} as logged in.*"
    ),
    "revoke.problem.genesys_not_found": "Genesys Cloud no longer has this user (404).",
    "revoke.by_hand": "log them out in Genesys Cloud by hand",
    "revoke.steps": "Request it again: {command}\nOr {by_hand}.",
    "revoke.steps.expired": "Request it again if it is still needed: {command}",
    "revoke.steps.refused": "Urgent: {by_hand}.\nOnce the cause is fixed, request it again: {command}",
    "revoke.steps.refused.not_authorized": (
        "Urgent: {by_hand}. Or request it again: {command}\n"
        "Ask {contact} to find out who can write to the database of this bot."
    ),
    "revoke.steps.refused.genesys_not_found": "Look the user up in Genesys Cloud. If they are still there, {by_hand}.",
    "revoke.steps.refused.genesys_forbidden": (
        "Urgent: {by_hand}.\n"
        "To fix it, ask {contact}: a Genesys Cloud admin adds the permission to the role of the bot's OAuth client"
        "{in_division}.\n"
        "Then request it again: {command}"
    ),
    "revoke.can_request": "Request a revocation",
    "revoke.can_approve": "Approve a revocation",
    "revoke.help": (
        "`/purecloud revoke @tom laptop stolen`\n"
        "Logs Tom out of Genesys Cloud everywhere, once it is approved. Instead of @tom, write an email address, a "
        "Genesys Cloud user id, the link to the person's page there, or `me`."
    ),
    # --- break glass: as for revoke, unless it has a text of its own ---------------------------------------------------
    "break-glass.title": "Break glass: revoke all sessions of {target}?",
    "break-glass.by": (
        ":rotating_light: *Break glass*: {requester} alone decides. I announce it in the channels for approvals and for the audit "
        "before I revoke."
    ),
    "break-glass.protected": "*Protected*: break glass does not wait for approvers.",
    "break-glass.notified.pending": "{title} {requester_mention} alone decides.",
    "break-glass.notified.pending.reason": "{title} {requester_mention} alone decides: {reason}.",
    "break-glass.button": "Break glass: revoke all sessions",
    "break-glass.button.label": "Break glass: revoke all sessions of {target}",
    "break-glass.dialog.title": "Break glass?",
    "break-glass.dialog.text": (
        "{target} is logged out everywhere, now. No one else approves it, and it is announced. A live call may drop. It can't be undone."
    ),
    "break-glass.dialog.approve": "Break glass",
    "break-glass.headline.pending": "Break glass, waiting for approval: sessions of {target} not touched",
    "break-glass.headline.revoked": "Break glass, revoked: all sessions of {target}",
    "break-glass.headline.approved": "Break glass, approved: ending all sessions of {target} now",
    "break-glass.headline.approved.waiting": "Break glass, waiting for Genesys Cloud: sessions of {target} not ended yet",
    "break-glass.headline.refused": "Break glass, refused by Genesys Cloud: sessions of {target} not ended",
    "break-glass.headline.failed.unchanged": "Break glass, failed: sessions of {target} not ended",
    "break-glass.headline.failed": "Break glass, failed: sessions of {target} not known to have ended",
    "break-glass.headline.unknown": "Break glass, unknown: {target} may still be logged in",
    "break-glass.headline.cancelled": "Break glass, cancelled: sessions of {target} not touched",
    "break-glass.headline.expired": "Break glass, expired: sessions of {target} not touched",
    "break-glass.announced.title": "Break glass: revocation of {subject}",
    "break-glass.notified": "Break glass: {requester_mention} alone has approved to revoke {subject}.",
    "break-glass.notified.reason": "Break glass: {requester_mention} alone has approved to revoke {subject}: {reason}.",
    "break-glass.announced": (
        ":rotating_light: {requester} has approved this alone, under *break glass*: no one else approved it. "
        "The outcome follows in a message of its own. If you did not expect this, ask {requester} now."
    ),
    "break-glass.announced.protected": (
        ":rotating_light: {requester} has approved this alone, under *break glass*: no one else approved it, although "
        "this person is *protected*. The outcome follows in a message of its own. If you did not expect this, ask "
        "{requester} now."
    ),
    "break-glass.can_request": "Revoke alone under break glass",
    "break-glass.help": (
        "`/purecloud break-glass @tom laptop stolen`\n"
        "Logs Tom out without another approver, in an emergency: you alone approve the card, and both channels are "
        "notified first. Possible once in 10 minutes."
    ),
    # --- bulk requests: as for revoke, unless they have a text of their own ---------------------------------------------
    "revoke-many.effects": (
        "*Ends all their Genesys Cloud sessions and tokens*, on every device. It can't be undone.\n"
        "Calls and chats in progress may drop.\n"
        "*Does not lock them out*: single sign-on can log them back in at once."
    ),
    "revoke-many.found": "{people} to revoke{source}.",
    "revoke-many.found.of_whom": "{people} to revoke{source}:",
    "revoke-many.source.mentions": "",
    "revoke-many.source.list": ", from a pasted list",
    "revoke-many.source.file": ", from the file {name}",
    "revoke-many.source.user_group": ", from the user group {name}",
    "revoke-many.source.division": ", from the division {name}",
    "revoke-many.source.group": ", from the Genesys Cloud group {name}",
    "revoke-many.source.queue": ", from the queue {name}",
    "revoke-many.source.retry": ", whose revocation failed or is unknown in the request {name}",
    "revoke-many.count.protected": "*{count} protected*",
    "revoke-many.count.inactive": "{count} inactive in Genesys Cloud; open sessions, if any, end",
    "revoke-many.count.in_call": "{count} in a call or chat now",
    "revoke-many.count.calls_unknown": "{count} whose calls and chats I couldn't read",
    "revoke-many.count.no_calls_known": "not known who is in a call or chat",
    "revoke-many.skipped": "Left out: {counts}.",
    "revoke-many.skipped.unknown": "{count} unknown in Genesys Cloud",
    "revoke-many.skipped.ambiguous": "{count} that fit several people",
    "revoke-many.skipped.duplicate": "{count} named twice",
    "revoke-many.skipped.unreadable": "{count} that I can't read",
    "revoke-many.skipped.requester": "{requester}'s own account",
    "revoke-many.duration": "Takes about {duration}.",
    "revoke-many.names": "The thread lists every name.",
    "revoke-many.seconds": "{count} s",
    "revoke-many.minutes": "{count} min",
    "revoke-many.button": "Revoke all sessions",
    "revoke-many.button.label": "Revoke all sessions of {target}",
    "revoke-many.dialog.title": "Revoke {target}?",
    "revoke-many.dialog.text": "{target}: logged out everywhere, now. Calls in progress may drop. It can't be undone.",
    "revoke-many.headline.approved": "Approved: revoking the sessions of {target}",
    "revoke-many.headline.approved.paused": "Paused: {revoked} of {target} revoked so far",
    "revoke-many.headline.approved.paused.1": "Paused: sessions of {target} not ended yet",
    "revoke-many.headline.stopped": "Stopped: only {revoked} of {target} revoked",
    "revoke-many.headline.stopped.1": "Stopped: {revoked} of {target} revoked",
    "revoke-many.headline.refused": "Only {revoked} of {target} revoked: others were refused",
    "revoke-many.headline.refused.1": "Refused: sessions of {target} not ended",
    "revoke-many.headline.failed": "Only {revoked} of {target} revoked: others failed",
    "revoke-many.headline.failed.1": "Failed: sessions of {target} not known to have ended",
    "revoke-many.headline.unknown": "Only {revoked} of {target} certainly revoked",
    "revoke-many.headline.unknown.1": "Unknown: {target} may still be logged in",
    "revoke-many.outcome.approved": "The thread gets a file with the outcome for each person at the end.",
    "revoke-many.outcome.approved.paused": "No further person is revoked until an admin resumes it. It ends 4 hours after its approval.",
    "revoke-many.outcome.revoked": (
        "Genesys Cloud confirmed that all their sessions and tokens have ended. The thread has a file with each person.\n"
        "*Not locked out*: single sign-on can log them back in at once. To keep them out, block the login at your "
        "identity provider. I don't watch whether they log in again after a bulk request."
    ),
    "revoke-many.outcome.stopped": "An admin stopped it. *Treat everyone who is not revoked as logged in.* The thread has a file with each person.",
    "revoke-many.outcome.refused": "*Treat everyone who is not revoked as logged in.* The thread has a file with each person.",
    "revoke-many.outcome.failed": "*Treat everyone who is not revoked as logged in.* The thread has a file with each person.",
    "revoke-many.outcome.unknown": "*Treat everyone who is not revoked as logged in.* The thread has a file with each person.",
    "revoke-many.steps": "Urgent: {by_hand}.",
    "revoke-many.steps.refused": (
        "Urgent: {by_hand}.\nOnce the cause is fixed, make a new request for everyone who was refused."
    ),
    "revoke-many.steps.expired": "Request it again if it is still needed.",
    "revoke-many.outcome_count.revoked": "*{count} revoked*",
    "revoke-many.outcome_count.refused": "{count} refused",
    "revoke-many.outcome_count.failed": "{count} failed",
    "revoke-many.outcome_count.failed.stopped": "{count} not revoked",
    "revoke-many.outcome_count.unknown": "{count} unknown: no certain answer",
    "revoke-many.progress": "{done} of {people}",
    "revoke-many.rate": "  ·  {rate} a minute  ·  {left} left",
    "revoke-many.paused_by": "Paused by {admin}.",
    "revoke-many.stopped_by": "Stopped by {admin}.",
    "revoke-many.bulk_pause": "Pause",
    "revoke-many.bulk_resume": "Resume",
    "revoke-many.bulk_stop": "Stop",
    "revoke-many.stop.title": "Stop this request?",
    "revoke-many.stop.text": "{open} people keep their sessions. To revoke them later, a new request is needed.",
    "revoke-many.stop.text.1": "One person keeps their sessions. To revoke them later, a new request is needed.",
    "revoke-many.stop.yes": "Stop",
    "revoke-many.again": "Request again: {people}",
    "revoke-many.file.preview": "What I found for each entry of the list, reference {reference}.",
    "revoke-many.file.outcomes": "How it ended for each person, reference {reference}.",
    "revoke-many.modal.title": "Revoke many people",
    "revoke-many.modal.submit": "Request",
    "revoke-many.modal.close": "Cancel",
    "revoke-many.modal.intro": "You get a card with what I found. Nothing is revoked until the request is approved.",
    "revoke-many.modal.people": "Email addresses or Genesys Cloud user ids",
    "revoke-many.modal.people.placeholder": "tom@example.com, ann@example.com",
    "revoke-many.modal.file": "Or a CSV file with a column of them",
    "revoke-many.modal.error.list_missing": "Paste a list, or add a file.",
    "revoke-many.modal.error.two_lists": "Paste a list or add a file, not both.",
    "revoke-many.modal.error.list_unreadable": "I find no email address and no Genesys Cloud user id in this.",
    "revoke-many.can_request": "Request a revocation of many people",
    "revoke-many.can_approve": "Approve a revocation of many people",
    "revoke-many.help": (
        "`/purecloud revoke @tom @ann laptops stolen`\n"
        "Logs several people out, once it is approved. A user group works too, and `division:`, `group:` or `queue:` "
        "with a name from Genesys Cloud. "
        "`/purecloud revoke-many` opens a form for a list or a CSV file."
    ),
    # --- rotate -----------------------------------------------------------------------------------------------------
    "rotate.title": "Rotate the bot's own Genesys Cloud token?",
    "rotate.subject": "the bot's own token",
    "rotate.effects": (
        "The bot gets a new token, then deletes its old one (`DELETE /api/v2/tokens/me`).\n"
        "*No one is logged out*, and calls in progress continue with the new token.\n"
        "Other replicas of the bot keep their tokens."
    ),
    "rotate.by.no_reason": "{requester} requests this.",
    "rotate.button": "Rotate token",
    "rotate.button.label": "Rotate token of the bot",
    "rotate.dialog.title": "Rotate the token?",
    "rotate.dialog.text": "The bot's old token is deleted.",
    "rotate.dialog.approve": "Rotate",
    "rotate.headline.revoked": "Rotated: the bot's own token",
    "rotate.outcome.revoked": "The bot uses a new token; Genesys Cloud confirmed that the old one is deleted.",
    "rotate.headline.refused": "Refused by Genesys Cloud: the bot's own token not deleted",
    "rotate.headline.failed": "Failed: the bot's own token not known to be deleted",
    "rotate.headline.failed.unchanged": "Failed: the bot's own token not deleted",
    "rotate.headline.unknown": "Unknown: the bot's old token may still be active",
    "rotate.problem.genesys_not_found": "Genesys Cloud did not find the token (404).",
    "rotate.outcome.retrying": (
        "{problem} The old token is not deleted so far. I am trying again, and this card will show how it ends."
    ),
    "rotate.outcome.refused": "{problem} *Treat the old token as active.* The bot may already use a new one.",
    "rotate.outcome.failed.unchanged": (
        "{problem}{asked} *Treat the old token as active.* The bot may already use a new one."
    ),
    "rotate.outcome.failed": "{problem}{asked} *Treat the old token as active*: it is not known to be deleted.",
    "rotate.outcome.unknown": (
        "{problem} I asked Genesys Cloud {times} and got no certain answer, so I can't say whether the old token is "
        "deleted. *Treat it as active.*"
    ),
    "rotate.can_request": "Rotate the bot's token",
    "rotate.help": "`/purecloud rotate`\nGives the bot a new Genesys Cloud token. No one is logged out.",
    # --- replies about cards ----------------------------------------------------------------------------------------
    "card_posted.direct": "You can approve this yourself: {card}. Nothing happens until you do.",
    "card_posted.direct.place": "You can approve this yourself. Nothing happens until you do.",
    "card_posted.channel": (
        "Sent to {channel}: {card}. Nothing happens until an approver there approves; it stays open until {time}. "
        "You get a message when it ends."
    ),
    "card_posted.channel.place": "Sent to {channel}. Nothing happens until an approver there approves.",
    "card_posted.link": "open the card",
    "card_posted.card": "see the card",
    "card_not_posted": (
        "I could not post the card in {channel}: {why}. No one could approve it, so *the request is cancelled, and nothing "
        "else was changed.* {advice}"
    ),
    "not_posted.invite": "Invite me to that channel, or ask {contact} to correct APPROVALS_CHANNEL.",
    "not_posted.is_archived": "Ask {contact} to choose another channel.",
    "not_posted.channel_shared": (
        "Request it in a channel of your own organization, or ask {contact} to correct APPROVALS_CHANNEL."
    ),
    "not_posted.other": "This does not pass by itself: ask {contact} to fix it.",
    "card_not_posted.channel": "the channel",
    "card_not_posted.channel_shared": (
        "I did not post the card in {channel}, because people of another organization see that channel, or are invited to it. "
        "*The request is cancelled, and nothing else was changed.* Request it in a channel of your own organization, or "
        "ask {contact} to correct APPROVALS_CHANNEL."
    ),
    "card_not_posted.channel_unreadable": (
        "I did not post the card in {channel}, because I can't find out who sees that channel. "
        "*The request is cancelled, and nothing else was changed.* Invite me to that channel, request it in another one, or ask {contact} to set "
        "APPROVALS_CHANNEL."
    ),
    "request_followed.own": "You have already requested this, and it is still open.",
    "request_followed.other": (
        "{requester_mention} has already requested this, and it is still open. I added you and your reason to it."
    ),
    "request_followed.other.no_reason": (
        "{requester_mention} has already requested this, and it is still open. I added you to it."
    ),
    "request_followed.ended": "This has just been decided: {headline}.",
    "request_followed.until": "It is open until {time}.",
    "request_followed.extended": "It now stays open until {time}.",
    "request_followed.approved": "It is approved and in progress.",
    "request_followed.card": "<{link}|Open the card>.",
    "request_followed.keeps_reason": "The card keeps your first reason.",
    "request_followed.keeps_no_reason": "The card still shows no reason.",
    "request_followed.next": "I made no second request. You will hear how it ends.",
    "copy_not_posted": (
        "I could not post the card in {place}: {why}. The request is still open, and its first card is in use. {advice}"
    ),
    "copy_not_posted.direct": "your direct messages",
    "request.also_requested": "Also requested by ",
    "request.also_requested.reason": ": {reason}",
    "request.also_requested.more": "and {count} more",
    # --- replies in the thread of a card ----------------------------------------------------------------------------
    "request.affected": "An administrator changed your Genesys Cloud account ({time}). If you did not expect this, ask {contact}.",
    "revoke.affected": (
        "An administrator ended all your Genesys Cloud sessions ({time}). You can log in again. "
        "If you did not expect this, ask {contact} and give them the reference below."
    ),
    "reminder": "Still waiting for a decision: {subject}. Nothing was changed so far. Open until {time}.",
    "reminder.card": "Open the card",
    "thread.approved": "{approver} approved.",
    "thread.approved.several": "{approver} approved ({count} of {required}).",
    "thread.dropped": "The approval of {approvers} no longer counts: they may not approve this any more.",
    "thread.file_not_shared": (
        "I could not share the file about this request: {why}. The audit log has each person. "
        "Ask {contact} whether the app has the scope `files:write`."
    ),
    "thread.retrying": "{problem} I am trying again.",
    "thread.retrying.continues_at": "{problem} Next attempt: {time}.",
    # --- dry run ----------------------------------------------------------------------------------------------------
    "dry_run.title": "Dry run: nothing was requested",
    "dry_run.direct": "The card would go to your direct messages, and you alone would decide.",
    "dry_run.channel": "The card would go to {channel}. It would need {count} approvals, other than yours, by {approvers}.",
    "dry_run.follows.other": "{requester_mention} has already requested this, and it is still open.",
    "dry_run.follows.next": "The command would make no second request. You would hear how it ends.",
    "dry_run.channel.1": "The card would go to {channel}. It would need one approval by {approvers}.",
    # --- help -------------------------------------------------------------------------------------------------------
    "help.title": "What you can do with /purecloud",
    "command.whoami": "`/purecloud whoami`\nWho you are here and in Genesys Cloud, and what you can do.",
    "help.unknown": "I don't know `{word}`. *Nothing was changed.*",
    "help.did_you_mean": "I don't know `{word}`. *Nothing was changed.* Did you mean `/purecloud {nearest}`?",
    "help.can_break_glass": "You can revoke alone under break glass, with a reason.",
    "help.denied": "You can't request or approve anything.",
    "help.can_do_nothing": "You can't request or approve anything. Ask {contact} if you should be able to.",
    "help.can_request": "You can request; an approver decides.",
    "help.can_approve": "You can approve requests, but not your own: click the button on the card.",
    "help.can_approve_with_others": (
        "You can approve requests: click the button on the card. A request about a person needs {count} approvers, and "
        "its requester does not count."
    ),
    "help.can_approve_own": "You can approve requests, your own too: click the button on the card.",
    # --- lists of requests ------------------------------------------------------------------------------------------
    "command.pending": "`/purecloud pending`\nOpen requests that you made or may approve.",
    "command.history": "`/purecloud history [@user | email | reference]`\nRequests that ended, newest first.",
    "pending.title": "Open requests",
    "pending.summary": "Open requests that you made or may approve: {count}.",
    "pending.empty": "There is no open request that you made or may approve.",
    "pending.empty.filtered": (
        "No open request that you made or may approve matches this. `/purecloud pending` lists them all."
    ),
    "history.title": "Finished requests",
    "history.summary": "Finished requests, newest first: {count}.",
    "history.empty": "No request has ended yet.",
    "history.empty.filtered": "No request that has ended matches this. `/purecloud history` lists them all.",
    "list.card": "Open the card",
    "list.requested_by": "Requested by ",
    "list.approved_by": "  ·  approved by ",
    "list.cancelled_by": "  ·  cancelled by ",
    "list.declined_by": "  ·  declined by ",
    "list.approvals": "  ·  {count} of {required} approvals",
    "list.open_until": "  ·  open until ",
    "list.waits": "  ·  waits for your decision",
    "list.newer": "Newer",
    "list.older": "Older",
    # --- whoami -----------------------------------------------------------------------------------------------------
    "whoami.summary": "You are {name} in {workspace}.",
    "whoami.title": "You are {name}",
    "whoami.slack": "In Slack ({workspace}) as {email}",
    "whoami.same": "In Slack and in Genesys Cloud, as {email} ({facts})",
    "whoami.different": "In Slack as {email}. In Genesys Cloud you are {name}, {genesys_email} ({facts})",
    "whoami.no_email": "a person without an email address",
    "whoami.state.not_active": "{state}; your roles there count for nothing here",
    "whoami.no_person": "In Slack as {email}, and not found in Genesys Cloud. {problem}",
    "whoami.person_unknown": "In Slack as {email}. Genesys Cloud did not say who you are there. {problem}",
    "whoami.reason.no_email": "You have no email address in Slack that I can see.",
    "whoami.reason.email_unconfirmed": "You have not confirmed your email address in Slack, so it proves nothing.",
    "whoami.reason.several_in_genesys": (
        "Several users of Genesys Cloud have your email address, and I don't guess which one you are, "
        "so roles there count for nothing here."
    ),
    "whoami.yes": "{what}: *yes*, {rule}",
    "whoami.no": "{what}: no",
    "whoami.unknown": "{what}: could not be checked",
    "whoami.rule.user": "you are named",
    "whoami.rule.group": "as a member of {group}",
    "whoami.rule.role": "by the role {value} in Genesys Cloud",
    "whoami.rule.permission": "by the permission {value} in Genesys Cloud",
    "whoami.token": "*The bot's token* acts in {organization} ({region})",
    "whoami.token_hidden": "*The bot's token* is shown to full members of the workspace only.",
    "whoami.token_unknown": "*The bot's token*: Genesys Cloud did not describe it. {problem}",
    "whoami.organization_home": "{organization} (home: {home})",
    "whoami.client": "OAuth client {client}",
    "whoami.grant": "grant {grant}",
    "whoami.scopes": "scopes {scopes}",
    "whoami.no_scopes": "no scopes: the roles of the client count",
    "whoami.idles": "expires when idle, {time}",
    # --- modals -----------------------------------------------------------------------------------------------------
    "shortcut.revoke_tokens.instead": "Or type `/purecloud revoke @name reason`.",
    "shortcut.revoke_author.instead": "Or type `/purecloud revoke @name reason`.",
    "shortcut.revoke_many.instead": "Or type `/purecloud revoke-many`.",
    "modal.title": "Revoke sessions",
    "modal.submit": "Request",
    "modal.close": "Cancel",
    "modal.intro": "Nothing is revoked until the request is approved.",
    "modal.user": "Person",
    "modal.user.placeholder": "Pick a person",
    "modal.identifier": "Or their email address or Genesys Cloud user id",
    "modal.reason": "Reason",
    "modal.error.target_missing": "Pick a person, or enter an email address or a Genesys Cloud user id.",
    "modal.error.two_targets": "Pick a person or enter an address, not both.",
    "modal.error.reason_missing": "Enter a reason, such as “laptop stolen”.",
    "modal.error.target_unreadable": "This is neither an email address nor a Genesys Cloud user id.",
    "decline.title": "Decline request",
    "decline.submit": "Decline",
    "decline.close": "Go back",
    "decline.intro": "The request ends, and nothing else is changed. The requester and all who see the card read your reason.",
    "decline.reason": "Reason",
    "decline.error.reason_missing": "Write why you decline.",
    # --- Home tab ---------------------------------------------------------------------------------------------------
    "home.person": "You are *{name}* in Slack and *{genesys}* in Genesys Cloud.",
    "home.person_unknown": "You are *{name}* in Slack. {problem}",
    "home.waiting": "Waiting for your decision",
    "home.waiting.empty": "No request waits for you.",
    "home.own": "Your open requests",
    "home.recent": "Your last requests",
    "home.recent.empty": "No request that you made or decided has ended yet.",
    "home.too_slow": "It takes too long to find out. Open this tab again in a moment.",
    "home.unavailable": "Not available right now: {problem}",
}
