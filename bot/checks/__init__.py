"""The doctor, `python -m bot check`: looks at everything a start depends on, says what is wrong, changes nothing."""
