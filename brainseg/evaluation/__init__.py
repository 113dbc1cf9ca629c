"""One inference pass saved as a table, and pure functions over that table."""
