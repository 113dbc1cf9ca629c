"""The synthetic study in memory: four sequences on one grid, and said to be synthetic."""

from __future__ import annotations

import numpy as np
import pytest

from brainseg.phantom import MODALITIES
from brainseg.phantom.sample import SYNTHETIC, sample_study


@pytest.mark.slow
def test_a_study_has_four_sequences_of_one_person_on_one_grid():
    study = sample_study(seed=3, size=64)

    assert [volume.sequence for volume in study] == list(MODALITIES)
    for volume in study:
        assert volume.array.shape == study[0].array.shape
        assert np.array_equal(volume.affine, study[0].affine)
        assert (volume.orientation, volume.stored_orientation) == ("RAS", "RAS")
        assert SYNTHETIC in volume.warnings
        assert volume.keys.patient == ""
    arrays = [volume.array for volume in study]
    assert not np.array_equal(arrays[0], arrays[1])
    again = sample_study(seed=3, size=64)
    assert all(np.array_equal(one.array, other.array) for one, other in zip(study, again, strict=True))
