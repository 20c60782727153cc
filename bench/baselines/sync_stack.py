"""The usual stack: Bolt's sync App behind waitress with the official SDK.

It stores nothing. With `--check-roles` it asks Slack before the DELETE who clicked and who is in the approvers'
group.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import PureCloudPlatformClientV2
import waitress
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient

CHECK_ROLES = "--check-roles" in sys.argv


def tokens_api() -> Any:
    """Log in as in the SDK's documentation."""
    PureCloudPlatformClientV2.configuration.host = os.environ["PURECLOUD_API_URL"]
    client = PureCloudPlatformClientV2.api_client.ApiClient().get_client_credentials_token(
        os.environ["PURECLOUD_CLIENT_ID"], os.environ["PURECLOUD_SECRET"]
    )
    return PureCloudPlatformClientV2.TokensApi(client)


def main() -> None:
    """Serve until the process is stopped."""
    tokens = tokens_api()
    client = WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=f"{os.environ['SLACK_API_URL']}/")
    app = App(client=client, signing_secret=os.environ["SLACK_SIGNING_SECRET"])

    @app.command("/purecloud")
    def purecloud(ack: Any) -> None:
        ack()

    @app.action("approve")
    def approve(ack: Any, body: dict[str, Any], action: dict[str, Any]) -> None:
        ack()
        if CHECK_ROLES:
            client.users_info(user=body["user"]["id"])
            members = client.usergroups_users_list(usergroup="S0APPROVER")["users"]
            if body["user"]["id"] not in members:
                return
        tokens.delete_token(action["value"])

    waitress.serve(SlackRequestHandler(app), host="127.0.0.1", port=int(os.environ["PORT"]), threads=4, _quiet=True)


if __name__ == "__main__":
    main()
