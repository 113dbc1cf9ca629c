"""The methods for drawing a heatmap, by name; this module does not import torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A method for drawing a heatmap.

    Attributes:
        title: Its name in the literature.
        of_a_class: Whether each class has its own map; otherwise one map is the same for all classes.
        about: One sentence on what the map shows and how long it takes.
        base: The method whose maps are averaged, for a method that averages; "" for others.
        stages: Whether the average is over a stage and all later ones.
        mirrored: Whether the average is over the image and its mirror image.
    """

    title: str
    of_a_class: bool
    about: str
    base: str = ""
    stages: bool = False
    mirrored: bool = False

    def default_stage(self, last: int) -> int:
        """Return the stage for a network of `last` stages: the last, or the first of the last three to average.

        >>> METHODS["grad-cam"].default_stage(4), METHODS["layer-cam-stages"].default_stage(4)
        (4, 2)
        """
        return max(1, last - 2) if self.stages else last


DEFAULT = "grad-cam"
METHODS = {
    DEFAULT: Method(
        "Grad-CAM",
        True,
        "weights each channel by how strongly it raises the score of the class; as fast as the answer itself.",
    ),
    "layer-cam": Method(
        "LayerCAM",
        True,
        "weights each position in each channel by how strongly its value raises the score; sharp at early layers, "
        "where Grad-CAM shows little; as fast as the answer itself at late layers, a third slower at layer1.",
    ),
    "smooth-layer-cam": Method(
        "smoothed LayerCAM",
        True,
        "is LayerCAM blurred over a sixteenth of the image, so an area counts for more than one bright point; "
        "for layer1 and layer2.",
    ),
    "hires-cam": Method(
        "HiResCAM",
        True,
        "multiplies each value by its own gradient of the score, positive or negative, before the channels are added: "
        "what lowers the score counts against what raises it; as fast as LayerCAM.",
    ),
    "grad-cam-flips": Method(
        "flip-averaged Grad-CAM",
        True,
        "is the mean of the Grad-CAM maps of the image and of its mirror image, which takes twice as long.",
        base="grad-cam",
        mirrored=True,
    ),
    "layer-cam-stages": Method(
        "LayerCAM of several stages",
        True,
        "is the mean of the LayerCAM maps of the chosen layer and all later ones: fine like an early layer, and close "
        "to the decision like the last; one pass per layer.",
        base="layer-cam",
        stages=True,
    ),
    "layer-cam-stages-flips": Method(
        "flip-averaged LayerCAM of several stages",
        True,
        "is that mean over the image and its mirror image, which takes twice as long.",
        base="layer-cam",
        stages=True,
        mirrored=True,
    ),
    "grad-cam++": Method(
        "Grad-CAM++",
        True,
        "weights each position separately, so several spots of one class all show up; as fast as Grad-CAM.",
    ),
    "eigen-cam": Method(
        "EigenCAM",
        False,
        "shows the layer's strongest pattern, whatever the class; as fast as Grad-CAM at layer4, slower at layer1.",
    ),
    "score-cam": Method(
        "ScoreCAM",
        True,
        "masks the image with each channel in turn and runs the model again; slow: one run per channel (64 to 2,048 "
        "channels), which takes from seconds to several minutes per image.",
    ),
}


def layer_name(stage: int) -> str:
    """Return torchvision's name of a residual stage: `layer1` (fine, early) to `layer4` (coarse, late)."""
    return f"layer{stage}"


def drawn_by(method: str, stage: int) -> str:
    """Return how a heatmap is drawn, in words.

    >>> drawn_by("grad-cam", 4), drawn_by("layer-cam-stages", 2)
    ('Grad-CAM on layer4', 'LayerCAM of several stages from layer2 on')
    """
    where = f"from {layer_name(stage)} on" if METHODS[method].stages else f"on {layer_name(stage)}"
    return f"{METHODS[method].title} {where}"


def heatmap_title(explained: str, *ways: tuple[str, int]) -> str:
    """Return the title of a heatmap, such as "Heatmap for class yes by LayerCAM on layer1".

    Args:
        explained: The class that the heatmap explains.
        ways: Method and stage of each map in it; the mean of several models' maps may have several.
    """
    of_a_class = any(METHODS[method].of_a_class for method, _ in ways)
    what = f"for class {explained}" if of_a_class else "of the strongest pattern, for no class in particular,"
    return f"Heatmap {what} by {' and '.join(drawn_by(*way) for way in ways)}"
