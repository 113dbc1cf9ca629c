"""Datasets: tables of images with labels, groups and splits."""
