"""A busy process: multiplies matrices on all cores until it is ended, as another program with OpenMP would.

python -m benchmarks.speed.busy
"""

from __future__ import annotations

import torch

from benchmarks.speed.machine import cores_here


def main() -> None:
    """Work until the process is ended."""
    torch.set_num_threads(cores_here())
    values = torch.randn(1024, 1024)
    print("busy", flush=True)
    while True:
        torch.mm(values, values)


if __name__ == "__main__":
    main()
