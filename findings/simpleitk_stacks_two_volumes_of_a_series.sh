#!/usr/bin/env bash
# A DICOM series that holds two volumes at the same positions is one volume of twice as many slices for SimpleITK.
#
# Seen with SimpleITK 2.5.7 on 2 x 10 slices, 5 mm apart, of two echo times in one series, written with pydicom 3.0.2:
# `GetGDCMSeriesFileNames` lists all 20 as one series, and `ReadImage` makes 20 slices of them, 2.37 mm apart (45 mm by 19):
# the second echo lies behind the first, and all distances are wrong. Nothing is raised; a warning goes to standard error.
# So compare the positions first, and divide the series by what its headers tell apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pydicom==3.0.2 SimpleITK==2.5.7 numpy
mkdir "$folder/series"
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON' 2> warnings.txt || { cat warnings.txt; exit 1; }
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

series, study = generate_uid(), generate_uid()
for echo, value in ((30, 100), (90, 200)):
    for place in range(10):
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", generate_uid()
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.SeriesInstanceUID, data.StudyInstanceUID, data.Modality = series, study, "MR"
        data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 5 * place], [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness, data.SpacingBetweenSlices = [1, 1], 5, 5
        data.EchoTime, data.InstanceNumber = echo, place + 1 + (10 if echo == 90 else 0)
        data.Rows = data.Columns = 8
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 0, 1
        data.PhotometricInterpretation = "MONOCHROME2"
        data.PixelData = np.full((8, 8), value, "<u2").tobytes()
        data.save_as(f"series/{echo}-{place}.dcm", enforce_file_format=True)

image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames("series"))
values = sitk.GetArrayFromImage(image)[:, 0, 0]
print(f"{image.GetSize()[2]} slices, {image.GetSpacing()[2]:.2f} mm apart, values {values.tolist()}")
assert image.GetSize()[2] == 20, "the number of slices has changed"
assert abs(image.GetSpacing()[2] - 45 / 19) < 0.01, "the distance has changed"
assert values.tolist() == [100] * 10 + [200] * 10, "the order has changed"
PYTHON
grep -i "warning" warnings.txt
