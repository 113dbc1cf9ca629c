"""Stored results of runs, read, checked and compared: tables, comparisons, model cards, plots and exports."""
