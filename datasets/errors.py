"""The exceptions of this package. Their messages are complete: front ends print them and exit.

DataError          anything wrong with the data, its place or its disk
└── Unreachable    what was asked for cannot be fetched from here, now
"""


class DataError(Exception):
    """Data that cannot be used; says which file and place, what came, what was wanted."""


class Unreachable(DataError):
    """No network, no mirror that answers with the right bytes, or no means to fetch it."""
