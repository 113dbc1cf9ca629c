"""What the Runs and Compare pages show of segmentations alone."""
