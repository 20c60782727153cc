"""Write JSON in the one form that hashes, seals and comparisons cover."""

import json

encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""Returns a value as JSON, with the keys in order and no white space. To create one takes longer than to use it."""
