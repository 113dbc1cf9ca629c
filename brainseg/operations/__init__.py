"""Running brainseg over time: backups of a home, what is deleted when, and the state of a server."""
