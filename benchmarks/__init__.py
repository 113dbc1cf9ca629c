"""Side-by-side measurements; each module is a command, its stored results lie in `results/`."""
