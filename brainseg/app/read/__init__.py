"""The Read page."""
