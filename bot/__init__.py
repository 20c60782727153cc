"""Revoke Genesys Cloud logins from Slack: everything here that is not shaped like Slack."""
