"""Tests of `bot.audit_log`."""
