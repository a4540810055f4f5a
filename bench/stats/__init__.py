"""Pure functions over records: what runs took, how sure that is, what may be said of it."""
