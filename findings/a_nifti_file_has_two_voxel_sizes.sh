#!/usr/bin/env bash
# Two forms of the geometry in one NIfTI file: nibabel measures with one, SimpleITK with the other.
#
# Seen with nibabel 5.4.2 and SimpleITK 2.5.7, on a file whose sform says voxels of 1 mm and whose qform says 2 mm, as a
# registration may leave it: nibabel's `affine` has 1 mm, its `header.get_zooms()` 2 mm, and SimpleITK 2 mm.
# SimpleITK writes "unexpected scales in sform" to standard error, nibabel says nothing. A lesion of 1,000 voxels is
# 1 ml for one program and 8 ml for the other. So measure with the voxel sizes of one chosen affine, and say if the forms
# differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nibabel==5.4.2 SimpleITK==2.5.7
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import nibabel as nib
import numpy as np
import SimpleITK as sitk

image = nib.Nifti1Image(np.ones((10, 10, 10), np.int16), None)
image.set_sform(np.diag([1.0, 1.0, 1.0, 1.0]), code=1)
image.set_qform(np.diag([2.0, 2.0, 2.0, 1.0]), code=1)
image.header.set_xyzt_units("mm")
nib.save(image, "scan.nii.gz")

read = nib.load("scan.nii.gz")
found = {
    "nibabel, affine": nib.affines.voxel_sizes(read.affine).tolist(),
    "nibabel, get_zooms": [float(size) for size in read.header.get_zooms()],
    "SimpleITK": list(sitk.ReadImage("scan.nii.gz").GetSpacing()),
}
for program, sizes in found.items():
    print(f"{program}: {sizes} mm")
assert found == {"nibabel, affine": [1.0] * 3, "nibabel, get_zooms": [2.0] * 3, "SimpleITK": [2.0] * 3}, "it has changed"
PYTHON
