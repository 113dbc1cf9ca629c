"""Results of runs that learn one class per image: comparison, tables, model card and plots."""
