"""Volumes on the Diagnose page: read, shown, marked, corrected and measured."""
