"""One run: a process of its own, the clock around a trainer, and what is measured."""
