"""Results of cross-validations: their folds read and checked, pooled once, stored with the parent run, and worded."""
