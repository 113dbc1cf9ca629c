"""Checks of heatmaps that need no masks: deletion, insertion, ROAD, random weights, and similarity within a class."""

IMAGES = 64
"""Images in a sample: enough for a useful interval, and few enough for minutes on two cores."""
