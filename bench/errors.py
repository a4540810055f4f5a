"""Mistakes of the user's: the message is all they need; front doors print it and exit with 2."""

from __future__ import annotations


class UsageError(Exception):
    """A command line that cannot be done: says what came, what was wanted, what to do."""
