"""What several pages show: a live run, its panels, times, and how a dataset is read."""
