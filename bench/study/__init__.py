"""The study: what is learned of a task beyond how fast it was. Pictures, tables, a page."""
