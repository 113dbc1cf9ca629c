"""What the Runs and Compare pages show of classifications alone."""
