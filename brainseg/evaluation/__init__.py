"""Evaluation: one inference pass saved as a table, and pure functions on that table."""
