"""Answers for an archive: every file of a folder tree exactly once, however often the work is interrupted."""
