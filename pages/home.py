"""Home: what this is, where to go, what is running, and the best model so far."""

from __future__ import annotations

from brainseg.dashboard.home.panels import demo_switch, doors, live
from brainseg.dashboard.page import page

WHAT = (
    "brainseg trains ResNets on folders of brain MRI slices, and judges them on images that were held out. It shows "
    "what a model says of a single image, how sure that is, and where the model looked. Every figure stands with its "
    "interval and the number of images behind it, and your images stay on the machine that runs it."
)

with page("brainseg", WHAT):
    demo_switch()
    doors()
    live()
