"""`python -m bot check`: verify everything that a start depends on, without changing anything."""
