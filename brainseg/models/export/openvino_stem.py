"""Cuts a network after its first layers, so that OpenVINO can compute these in fp32 and the others in bf16.

Most of the error of bf16 comes from the first convolution, which receives the image: of a ResNet34 fine-tuned on real
slices, the largest error of a probability was 0.029 in bf16 alone and 0.010 with this cut. It is a thirtieth of all
operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openvino import Model, Node

STEM = "stem"
"""Name of the stem's output, and of the input of what follows it."""


def cut_after_stem(network: Model) -> tuple[Model, Model]:
    """Cut a network after its first ReLU, from which on all maps are made of that ReLU's output.

    Args:
        network: As read from its file; it is changed, and not usable afterwards.

    Returns:
        The stem with the output `STEM`, and the rest with the input `STEM`. A rest that needs the images themselves, as
        that of a U-Net does, has their input, too.

    Raises:
        RuntimeError: The network has no ReLU.
    """
    import openvino
    from openvino import opset13

    first = next((node for node in network.get_ordered_ops() if node.get_type_name() == "Relu"), None)
    if first is None:
        raise RuntimeError("The exported network has no ReLU.")
    images = network.get_parameters()
    stem = openvino.Model([first.output(0)], images, STEM).clone()
    stem.outputs[0].get_tensor().set_names({STEM})
    given = opset13.parameter(first.output(0).get_partial_shape(), openvino.Type.f32)
    given.output(0).get_tensor().set_names({STEM})
    for target in first.output(0).get_target_inputs():
        target.replace_source_output(given.output(0))
    needed = [image for image in images if _is_needed(image, network)]
    return stem, openvino.Model(network.get_results(), [given, *needed], "rest")


def _is_needed(parameter: Node, network: Model) -> bool:
    """Return whether an output of a network still depends on a parameter."""
    waiting, seen = list(network.get_results()), set()
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() == parameter.get_friendly_name():
            return True
        for place in range(node.get_input_size()):
            before = node.input_value(place).get_node()
            if before.get_friendly_name() not in seen:
                seen.add(before.get_friendly_name())
                waiting.append(before)
    return False
