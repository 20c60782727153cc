"""`python -m bot audit` reads the audit log; `python -m bot erase` removes personal data from it."""
