"""What a comparison can show, against simulated comparisons."""

from __future__ import annotations

import numpy as np
import pytest

from brainseg.evaluation.paired import mcnemar
from brainseg.evaluation.power import images_needed, smallest_difference


@pytest.mark.parametrize(("difference", "discordant"), [(0.1, 0.2), (0.08, 0.12), (0.15, 0.3)])
def test_the_needed_images_show_the_difference_in_four_of_five_draws(difference, discordant):
    count = images_needed(difference, discordant)
    random = np.random.default_rng(0)
    first, second = (discordant + difference) / 2, (discordant - difference) / 2
    draws = random.multinomial(count, [first, second, 1 - discordant], size=500)
    power = np.mean([mcnemar(int(one), int(other)) < 0.05 for one, other, _ in draws])
    assert 0.65 < power < 0.88, "the exact test is somewhat stricter than the approximation"


@pytest.mark.parametrize("discordant", [0.05, 0.2, 0.6])
@pytest.mark.parametrize("count", [50, 500, 20_000])
def test_the_smallest_difference_is_the_one_that_needs_all_images(count, discordant):
    smallest = smallest_difference(count, discordant)
    if smallest is None:
        assert images_needed(discordant, discordant) > count
    else:
        assert images_needed(smallest, discordant) <= count < images_needed(smallest * 0.97, discordant)


def test_more_comparisons_need_more_images():
    assert images_needed(0.1, 0.2, 0.05 / 6) > images_needed(0.1, 0.2)
    assert images_needed(-0.1, 0.2) == images_needed(0.1, 0.2)


@pytest.mark.parametrize(("difference", "discordant"), [(0.0, 0.2), (0.3, 0.2), (0.1, 0.0)])
def test_what_cannot_be_has_no_number_of_images(difference, discordant):
    assert images_needed(difference, discordant) is None
