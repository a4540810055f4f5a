"""Whether the suite can be trusted: equal work, the clock, the machine, the data."""


class AuditError(Exception):
    """The audit, or a part of it, could not be made; the message says why."""
