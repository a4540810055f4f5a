"""Tables, plots and pages: read saved records, never live objects."""
