from __future__ import annotations

import pytest

from brainseg.scans.volumes.sequence import sequence_of


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        ("BraTS20_Training_001_t1ce", "T1ce"),
        ("BraTS-GLI-00001-000-t1n", "T1"),
        ("BraTS-GLI-00001-000-t2w", "T2"),
        ("BraTS-GLI-00001-000-t2f", "FLAIR"),
        ("TCGA-DU-7294_fla_bet", "FLAIR"),
        ("sub-01_ce-gadolinium_T1w", "T1ce"),
        ("sub-01_T1w", "T1"),
        ("AX T1 POST GAD", "T1ce"),
        ("t1_mprage_sag_p2_iso", "T1"),
        ("AX FLAIR T2", "FLAIR"),
        ("t2_tse_tra", "T2"),
        ("T2* GRE", None),
        ("ep2d_diff_T2_trace", None),
        ("Axial EPI-FMRI", None),
        ("T1 map of localizer", None),
        ("brain1_image", None),
        ("", None),
    ],
)
def test_names_that_scanners_and_challenges_use(text, sequence):
    assert sequence_of(text) == sequence


def test_contrast_agent_turns_t1_into_t1ce():
    assert sequence_of("t1_mprage", contrast=True) == "T1ce"
    assert sequence_of("t2_tse", contrast=True) == "T2"
