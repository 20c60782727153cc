"""`python -m bot audit`: list, export and verify the audit log beside a serving bot; it only reads."""
