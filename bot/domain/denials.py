"""Why a request or a click is denied."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from bot.errors import BotError


class DenialCode(StrEnum):
    """A reason for a denial; `handlers/messages` has its text."""

    OUTSIDER = "outsider"
    GUEST = "guest"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    NOT_A_REQUESTER = "not_a_requester"
    NOT_AN_APPROVER = "not_an_approver"
    NOT_AN_ADMIN = "not_an_admin"
    MAY_NOT_BREAK_GLASS = "may_not_break_glass"
    BREAK_GLASS_OF_ANOTHER = "break_glass_of_another"
    BREAK_GLASS_FOR_ONESELF = "break_glass_for_oneself"
    BREAK_GLASS_WITHOUT_REASON = "break_glass_without_reason"
    BREAK_GLASS_TOO_SOON = "break_glass_too_soon"
    OWN_REQUEST = "own_request"
    OWN_PROTECTED_REQUEST = "own_protected_request"
    ALREADY_APPROVED = "already_approved"
    TARGET_CANNOT_DECIDE = "target_cannot_decide"
    NOT_YOURS_TO_CANCEL = "not_yours_to_cancel"
    FOLLOWED_BY_OTHERS = "followed_by_others"
    RULES_CHANGED = "rules_changed"
    NOT_YOURS_TO_DECLINE = "not_yours_to_decline"
    OWN_REQUEST_TO_DECLINE = "own_request_to_decline"
    RULES_CHANGED_TO_DECLINE = "rules_changed_to_decline"
    DECLINE_REASON_MISSING = "decline_reason_missing"
    REQUEST_ALTERED = "request_altered"
    CLICK_ALTERED = "click_altered"
    COMMAND_ALTERED = "command_altered"
    CLICKER_UNREADABLE = "clicker_unreadable"
    EXPIRED_UNDECIDED = "expired_undecided"
    CLOCK_BEHIND = "clock_behind"
    NO_APPROVER_HERE = "no_approver_here"
    TOO_FEW_APPROVERS = "too_few_approvers"
    CHANNEL_SHARED = "channel_shared"
    CHANNEL_UNREADABLE = "channel_unreadable"
    TOO_MANY_OPEN_REQUESTS = "too_many_open_requests"
    REASON_MISSING = "reason_missing"
    LINE_TOO_LONG = "line_too_long"
    TARGET_MISSING = "target_missing"
    TARGET_UNREADABLE = "target_unreadable"
    TARGET_IS_NO_ADDRESS = "target_is_no_address"
    TARGET_IS_A_PLAIN_NAME = "target_is_a_plain_name"
    TARGET_IS_A_GROUP = "target_is_a_group"
    TARGET_IS_A_CHANNEL = "target_is_a_channel"
    SEVERAL_TARGETS = "several_targets"
    MAY_NOT_REVOKE_MANY = "may_not_revoke_many"
    LIST_IN_PIECES = "list_in_pieces"
    LIST_WITHOUT_PEOPLE = "list_without_people"
    REQUESTED_AGAIN_ALREADY = "requested_again_already"
    SET_UNKNOWN = "set_unknown"
    SET_AMBIGUOUS = "set_ambiguous"
    LIST_TOO_LONG = "list_too_long"
    FILE_WITHOUT_PEOPLE = "file_without_people"
    FILE_COLUMN_UNCLEAR = "file_column_unclear"
    FILE_IS_NOT_TEXT = "file_is_not_text"
    FILE_TOO_LARGE = "file_too_large"
    FILE_NOT_IN_SLACK = "file_not_in_slack"
    TARGET_NOT_IN_SLACK = "target_not_in_slack"
    TARGET_OUTSIDER = "target_outsider"
    TARGET_GUEST = "target_guest"
    TARGET_BOT = "target_bot"
    TARGET_DEACTIVATED = "target_deactivated"
    NO_EMAIL = "no_email"
    EMAIL_UNCONFIRMED = "email_unconfirmed"
    UNKNOWN_IN_GENESYS = "unknown_in_genesys"
    SEVERAL_IN_GENESYS = "several_in_genesys"
    INACTIVE_IN_GENESYS = "inactive_in_genesys"


class Denied(BotError):
    """The bot does not do this for this person; nothing was changed.

    `params` fill the placeholders of the code's text: ids, names, principals, and failed checks as they are stored.
    """

    def __init__(self, code: DenialCode, **params: Any) -> None:
        super().__init__()
        self.reason = code
        self._params = params

    @property
    def code(self) -> str:  # type: ignore[override] # each instance has its own
        """The reason, as it is stored and rendered."""
        return self.reason.value

    @property
    def params(self) -> dict[str, Any]:
        """What the text of this code can mention."""
        return self._params
