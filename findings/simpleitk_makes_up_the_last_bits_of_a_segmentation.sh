#!/usr/bin/env bash
# SimpleITK does not read the last pixels of a binary DICOM segmentation, and returns other values for them.
#
# Seen with SimpleITK 2.5.7 on a segmentation (SEG) of 6 frames of 99 x 99, written with highdicom 0.27.0 and pydicom
# 3.0.2: 58,806 bits, eight to a byte, so that the last byte holds 6. Of a mask whose pixels are all 1, these 6 are 0. With
# small masks they have values such as 114 or 224, which differ from call to call, so that an empty mask is not empty.
# Nothing is said. pydicom and highdicom read all pixels. Sides of 256 hide it: it takes a number of pixels, over all
# frames, that is no multiple of eight. So read segmentations with pydicom or highdicom.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet highdicom==0.27.0 pydicom==3.0.2 SimpleITK==2.5.7 numpy
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import SimpleITK as sitk
from highdicom.seg import SegmentDescription, Segmentation, segread
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


mask = np.ones((6, 99, 99), np.uint8)
write("mask.dcm", mask, 1, 1)
found = {
    "SimpleITK": int((sitk.GetArrayFromImage(sitk.ReadImage("mask.dcm")) == 255).sum()),
    "highdicom": int(segread("mask.dcm").pixel_array.sum()),
}
for program, count in found.items():
    print(f"{program}: {count} of {mask.sum()} pixels are set")
assert found == {"SimpleITK": mask.size // 8 * 8, "highdicom": mask.size}, "it has changed"
PYTHON
