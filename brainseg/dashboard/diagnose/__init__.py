"""The Diagnose page."""
