"""The Compare page, and what the command line shares with it."""
