"""What runs left behind, read, checked and compared: tables, comparisons, model cards, exports and their wording."""
