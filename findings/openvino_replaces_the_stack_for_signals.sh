#!/usr/bin/env bash
# Compiling a network in OpenVINO replaces the calling thread's alternate stack for signals.
#
# Seen with openvino 2026.4.1 on processors with AMX. Python runs signal handlers on the thread's alternate stack where it
# has one, which `faulthandler`, and so pytest, gives it. Compiling a network replaces it by a smaller one of OpenVINO's own,
# and freeing the network puts back what was there when it was compiled. With several networks that are not freed in reverse
# order, the thread can be left with a stack that was unmapped; the next signal with a handler, such as the end of a child
# process, then ends the program with SIGSEGV, without a traceback and without a line in the kernel's log. To be right: read
# the stack with sigaltstack before compiling, and put it back afterwards. Without AMX, nothing is replaced.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import ctypes
import faulthandler
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13


class Stack(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


def stack():
    found = Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found.address, found.size


faulthandler.enable()
before = stack()
images = opset13.parameter([-1, 3, 8, 8], np.float32)
weights = opset13.constant(np.ones((4, 3, 3, 3), np.float32))
network = openvino.Model([opset13.convolution(images, weights, [1, 1], [1, 1], [1, 1], [1, 1])], [images])
compiled = openvino.compile_model(network, "CPU")
after = stack()
print(f"bytes of the stack before: {before[1]}, after: {after[1]}; the same: {before == after}")
del compiled
print(f"after the network was freed, it is the first one again: {stack() == before}")
if "amx_tile" in Path("/proc/cpuinfo").read_text():
    assert after != before, "the stack is kept now"
else:
    print("this processor has no AMX")
PYTHON
