"""Figures and readers that the pages and the command line share."""
