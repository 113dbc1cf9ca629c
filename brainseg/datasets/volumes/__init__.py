"""Volumes as data to learn from: find studies and their masks in folders, and cut them into a dataset of slices."""
