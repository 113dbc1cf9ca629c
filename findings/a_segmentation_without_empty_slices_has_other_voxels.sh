#!/usr/bin/env bash
# A DICOM segmentation without its empty slices has voxels of another size for SimpleITK.
#
# Seen with SimpleITK 2.5.7 on 8 slices of 0.5 x 0.5 mm, 2 mm apart, written with highdicom 0.27.0 and pydicom 3.0.2, which
# leave out the slices without a marked pixel by default. With lesions on slices 2, 6 and 7, SimpleITK has 3 slices of
# voxels of 1 x 1 x 1 mm: 48 mm3 instead of 24. With lesions on slices 2 and 5 it has 2 slices, 6 mm apart: 48 mm3 instead
# of 16. Nothing is said. So write every slice (`omit_empty_frames=False`), and place frames by their positions when you read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet highdicom==0.27.0 pydicom==3.0.2 SimpleITK==2.5.7 numpy
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import SimpleITK as sitk
from highdicom.seg import SegmentDescription, Segmentation
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime",
)


def write(file, mask, spacing, gap):
    """Write (slices, rows, columns) of 0 and 1 as highdicom does by default."""
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    headers = []
    for place in range(len(mask)):
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", generate_uid()
        data.SeriesInstanceUID, data.StudyInstanceUID, data.FrameOfReferenceUID = series, study, frame
        for name in EMPTY:
            setattr(data, name, "")
        data.Modality, data.Rows, data.Columns = "MR", *mask.shape[1:]
        data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, gap * place], [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [spacing, spacing], gap
        headers.append(data)
    kind = codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm
    segment = SegmentDescription(1, "tumour", *kind, "MANUAL")
    instance = generate_uid(), 1, generate_uid(), 1, "maker", "model", "1", "1"
    Segmentation(headers, mask, "BINARY", [segment], *instance).save_as(file)


true, found = {}, {}
for slices in ((1, 5, 6), (1, 4)):
    mask = np.zeros((8, 16, 16), np.uint8)
    mask[list(slices), 4:8, 4:8] = 1
    write("mask.dcm", mask, 0.5, 2)
    image = sitk.ReadImage("mask.dcm")
    size = image.GetSpacing()
    true[slices] = float(mask.sum() * 0.5 * 0.5 * 2)
    found[slices] = float((sitk.GetArrayFromImage(image) > 0).sum() * np.prod(size))
    print(f"{image.GetSize()[2]} slices, voxels of {size} mm: {found[slices]} mm3 instead of {true[slices]}")
assert found == {(1, 5, 6): 48.0, (1, 4): 48.0}, "it has changed"
PYTHON
