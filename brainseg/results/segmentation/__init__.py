"""Results of runs that learn one class per pixel: comparison, tables, model card and plots."""
