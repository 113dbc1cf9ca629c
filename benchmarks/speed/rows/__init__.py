"""The rows of the table: what is paired with what, and how a few batches stand for the whole."""
