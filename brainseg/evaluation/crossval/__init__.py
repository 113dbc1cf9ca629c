"""Evaluation of a cross-validation: pooled out-of-fold predictions, the metrics of the folds, and their intervals."""
