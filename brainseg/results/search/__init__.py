"""Results of searches: their trials, the winner with its confirmation, the optimism of the search, and the wording."""
