"""What to learn from: tables of images with labels, groups and splits."""
