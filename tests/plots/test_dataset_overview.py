from __future__ import annotations

import pandas as pd
import pytest

from brainseg.plots.dataset_overview import class_balance_figure, modes_figure, size_table, sizes_figure


def table(rows: list[tuple[str, str, int, int, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["label", "split", "width", "height", "mode"])


MIXED = table(
    [
        ("no", "train", 10, 10, "L"),
        ("no", "test", 10, 10, "RGB"),
        ("yes", "train", 10, 10, "RGB"),
        ("yes", "train", 30, 20, "RGB"),
    ]
)


def test_each_class_has_a_bar_with_its_count():
    (bars,) = class_balance_figure(MIXED.assign(split=""), ("no", "yes")).data
    assert list(bars.x) == [2, 2]
    assert list(bars.text) == ["2 (50 %)", "2 (50 %)"]


def test_each_given_split_has_bars_of_its_own():
    figure = class_balance_figure(MIXED, ("no", "yes"))
    assert {trace.name: list(trace.x) for trace in figure.data} == {"training": [1, 2], "test": [1, 0]}
    assert figure.data[0].text[0] == "1 (33 %)"
    assert figure.layout.showlegend


def test_images_without_a_split_among_others_are_counted():
    partly = pd.concat([MIXED, table([("no", "", 1, 1, "L")])])
    assert class_balance_figure(partly, ("no", "yes")).data[-1].name == "no split given"


def test_a_class_without_images_keeps_its_place():
    figure = class_balance_figure(MIXED.assign(split=""), ("empty", "no", "yes"))
    assert list(figure.data[0].x) == [0, 2, 2]
    assert figure.layout.yaxis.ticktext[0].strip() == "empty"


def test_a_small_share_is_not_called_none():
    many = table([("no", "", 1, 1, "L")] * 500 + [("yes", "", 1, 1, "P")])
    assert class_balance_figure(many, ("no", "yes")).data[0].text[1] == "1 (under 1 %)"


def test_sizes_are_counted_and_drawn_once():
    sizes = size_table(MIXED)
    assert sizes.to_dict("list") == {"width": [10, 30], "height": [10, 20], "images": [3, 1]}
    dots = sizes_figure(MIXED).data[0]
    assert list(dots.x) == [10, 30]
    assert list(dots.marker.size) == [3, 1]


def test_one_size_is_said_in_words():
    assert "all images are 10 × 10 pixels" in sizes_figure(MIXED[:3]).layout.title.subtitle.text


def test_modes_are_counted_and_explained():
    (bars,) = modes_figure(MIXED).data
    assert list(bars.x) == ["RGB<br>colour", "L<br>grey"]
    assert list(bars.y) == [3, 1]


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_to_draw_is_said(dark):
    for figure in (
        class_balance_figure(MIXED[:0], ("no",), dark=dark),
        sizes_figure(MIXED[:0], dark=dark),
        modes_figure(MIXED[:0], dark=dark),
    ):
        assert any(note.name == "remark" for note in figure.layout.annotations)


def test_names_of_classes_are_no_markup():
    figure = class_balance_figure(table([("<b>x", "", 1, 1, "L")]), ("<b>x",))
    assert "<b>" not in figure.layout.yaxis.ticktext[0]
