"""The machine: its clock, its hardware, its settings as they are, its pulse."""
