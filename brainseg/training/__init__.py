"""From a configuration to a bundle."""
