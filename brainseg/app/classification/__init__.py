"""What the Runs and Compare pages show only for classifications."""
