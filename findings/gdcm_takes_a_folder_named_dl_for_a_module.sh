#!/usr/bin/env bash
# With GDCM installed, `import pydicom` fails beside any folder that is named "dl".
#
# Seen with python-gdcm 3.2.6 and pydicom 3.0.2 on Python 3: at import, gdcm looks for the module `dl`, which Python 3 has
# no longer. A folder of that name on the path, as in a project about deep learning, counts as an empty module, so gdcm
# asks it for a constant: "module 'dl' has no attribute 'RTLD_NOW'". pydicom imports all its decoders at once and lets the
# error through. Without the folder, both import.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pydicom==3.0.2 python-gdcm==3.2.6 numpy
mkdir -p "$folder/plain" "$folder/project/dl"
cd "$folder/plain"
"$folder/venv/bin/python" -c "import pydicom; print('without the folder: imported')"
cd "$folder/project"
if "$folder/venv/bin/python" -c "import pydicom" 2> error.txt; then
    echo "it imports beside the folder: this has changed"
    exit 1
fi
tail -1 error.txt
grep -q "module 'dl' has no attribute 'RTLD_NOW'" error.txt
