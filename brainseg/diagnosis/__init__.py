"""A bundle applied to a scan, with a heatmap of where the model looked."""
