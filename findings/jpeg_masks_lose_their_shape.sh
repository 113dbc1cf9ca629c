#!/usr/bin/env bash
# A mask of 0 and 1 saved as JPEG loses the tumour's shape, not only its sharp edge.
#
# Seen with Pillow 13.0.0 and numpy 2.4.6: discs of 4 to 9 pixels radius on 48 x 48, saved at quality 75 (Pillow's default)
# and read back, hold values other than 0 and 1, and what is 1 or more covers another region: intersection over union 0.00
# to 0.84. The same masks as 0 and 255, cut at 128, keep it whole (1.00). The step of 1 grey level is smaller than JPEG's
# quantisation, so whole 8 x 8 blocks become 0 or 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io

import numpy as np
from PIL import Image

rows, columns = np.mgrid[:48, :48]


def through_jpeg(values):
    stream = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))


def overlap(first, second):
    return (first & second).sum() / (first | second).sum()


low, high, values = [], [], set()
for radius in range(4, 10):
    for row, column in ((20, 22), (24, 24), (27, 19), (23, 29)):
        disc = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
        read = through_jpeg(disc)
        values |= set(np.unique(read).tolist())
        low.append(overlap(read >= 1, disc))
        high.append(overlap(through_jpeg(disc * 255) >= 128, disc))
print(f"0/1 as JPEG: values {sorted(values)}, intersection over union {min(low):.2f} to {max(low):.2f}")
print(f"0/255 as JPEG, cut at 128: intersection over union {min(high):.2f} to {max(high):.2f}")
assert max(low) < 0.9, "a mask of 0 and 1 keeps its shape now"
assert min(high) > 0.9, "a mask of 0 and 255 loses its shape now"
PYTHON
