"""Training: turns a configuration into a bundle."""
