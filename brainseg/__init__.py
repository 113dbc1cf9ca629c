"""brainseg: train, evaluate and try ResNet models on brain MRI."""

import warnings

__version__ = "0.1.0"

DISCLAIMER = "Research use only, not a medical device."

# Libraries below still use what torch is about to drop: their matter, and no user of brainseg can act on it.
warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
