"""Stored results of runs: tables, comparisons, model cards, plots and exports, and reports of answers."""
