"""What is wrong with a saved model: the message is all its user needs."""

from __future__ import annotations

from bench.errors import UsageError


class SavedModelError(UsageError):
    """A file that is no usable saved model: says what came, what was wanted, what to do."""
