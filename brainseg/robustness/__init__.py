"""The robustness check: how a model's answers change when its held-out images get worse."""
