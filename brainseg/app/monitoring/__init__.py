"""The Monitoring page."""
