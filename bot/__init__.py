"""Revoke Genesys Cloud logins from Slack."""

__version__ = "0.1.0"
