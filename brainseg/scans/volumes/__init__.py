"""Reading DICOM, NIfTI, NRRD, MetaImage and TIFF stacks into `Volume` objects with their geometry in mm."""
