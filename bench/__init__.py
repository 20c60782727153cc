"""Benchmarks of the bot next to alternatives; run them with `make bench`."""
