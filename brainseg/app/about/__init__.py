"""The About page and the model card."""
