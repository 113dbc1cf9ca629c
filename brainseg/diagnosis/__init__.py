"""Diagnosing a scan with a bundle, and heatmaps of where the model looked."""
