"""brainseg: train, judge and try ResNet models on brain MRI."""

__version__ = "0.1.0"

DISCLAIMER = "Research use only, not a medical device."
