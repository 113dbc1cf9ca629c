"""What a user would write without brainseg, with the libraries' own defaults."""
