"""The bot as it is served, except that it reads user groups at any pace.

The fake Slack has no rate limit. At the pace of Slack's limit, the benchmarks would measure how long the bot waits.
"""

from __future__ import annotations

from bot import cli
from bot.slack import users

users.GROUP_READ_INTERVAL = 0.0

if __name__ == "__main__":
    cli.main()
