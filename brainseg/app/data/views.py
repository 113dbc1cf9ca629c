"""What the Data page shows of one dataset: plots, sample images, duplicates, and problem files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from brainseg.app import state
from brainseg.app.data.decisions import judged, offer_to_part
from brainseg.app.data.images import CopyGroup, copy_groups, copy_table, sample, thumbnail
from brainseg.app.frame import dark, guarded, offer_csv, show
from brainseg.app.widgets.image import draw_png
from brainseg.datasets.copy_messages import near_leaks, near_sentence
from brainseg.datasets.report import mask_sentence, warning_sentence
from brainseg.datasets.report_fields import DatasetReport
from brainseg.datasets.table import Dataset
from brainseg.plots.dataset_overview import GIVEN, class_balance_figure, modes_figure, size_table, sizes_figure
from brainseg.results.markdown import escape

NO_COPIES = "No two files are identical byte for byte, and no two images look the same."
ROW = 8
"""Images side by side."""

GROUPS_PER_PAGE = 12
COPIES_SHOWN = 6
"""Most files of one group that are drawn; the others are only named."""
COPY_WIDTH = 170
"""Pixels of a drawn copy's width."""


def headline(report: DatasetReport) -> None:
    """Draw the counts, and a message for each problem that makes results doubtful."""
    copies = report["duplicates"]
    values = {
        "Images": (f"{report['images']:,}", "Files that can be read."),
        "Classes": (f"{len(report['classes']):,}", ", ".join(map(escape, report["classes"]))),
        "Unreadable files": (
            f"{len(report['unreadable']):,}",
            "Training stops at these files unless Skip bad is on.",
        ),
        "Duplicate groups": (f"{copies['groups']:,}", "Groups of files with identical bytes."),
        "Duplicates": (f"{copies['surplus']:,}", "Files that could be removed without losing any content."),
    }
    for column, (label, (value, explanation)) in zip(st.columns(len(values)), values.items(), strict=True):
        column.metric(label, value, help=explanation, border=True)
    if "masks" in report:
        st.markdown(escape(mask_sentence(report)))
        for note in report["notes"]:
            st.info(escape(note), icon=":material/info:")
    for entry in report["warnings"]:
        if entry["kind"] != "reading":  # single files: see `faults`
            st.warning(escape(warning_sentence(entry)), icon=":material/warning:")
    for sentence in leaks(report):
        st.warning(sentence, icon=":material/warning:")


def leaks(report: DatasetReport) -> list[str]:
    """Return a sentence for each problem that makes metrics on this dataset too good, or wrong."""
    copies = report["duplicates"]
    sentences = [
        f"{pair['files']:,} of {pair['total']:,} {GIVEN[pair['of']]} files "
        f"({100 * pair['files'] / pair['total']:.1f} %) are byte-identical to a {GIVEN[pair['among']]} file, so "
        "metrics on them are too good: split by groups instead."
        for pair in copies["across_splits"]
        if pair["files"] and pair["of"] != "train"
    ]
    if copies["across_labels"]:
        sentences.append(
            f"Groups of identical files with different labels: {copies['across_labels']:,}. At least one label in each "
            "group is wrong: check the groups under Duplicates and fix the labels."
        )
    near = report["near_copies"]
    sentences += [f"{leak}; so metrics on them are too good: split by groups instead." for leak in near_leaks(near)]
    if near["across_labels"]:
        sentences.append(
            f"Pairs of images that look the same but have different labels: {near['across_labels']:,}. At least one "
            "label in each pair is wrong: check the pairs under Duplicates and fix the labels."
        )
    if near["pairs"] and not report["splits"]:
        sentences.append(f"{near_sentence(near)}. The grouped split, the default, keeps them together.")
    if copies["surplus"] and not report["splits"]:
        sentences.append(
            f"{copies['surplus']:,} duplicate file{'s' * (copies['surplus'] != 1)}. A random split can put copies "
            "into both the training and the validation set; the default grouped split does not."
        )
    if empty := [escape(name) for name, count in report["classes"].items() if not count]:
        sentences.append(f"No image of class {', '.join(empty)} can be read: training needs images of every class.")
    return sentences


def overview(dataset: Dataset) -> None:
    """Draw class balance, sizes and modes."""
    table = dataset.table
    name = dataset.root.name
    balance = table.groupby(["label", "split"], as_index=False).size().rename(columns={"size": "images"})
    show(class_balance_figure(table, dataset.classes, dark=dark()), "balance", name=f"{name}-classes", table=balance)
    left, right = st.columns(2)
    with left:
        show(sizes_figure(table, dark=dark()), "sizes", name=f"{name}-sizes", table=size_table(table))
    with right:
        modes = table["mode"].value_counts().rename_axis("mode").reset_index(name="images")
        show(modes_figure(table, dark=dark()), "modes", name=f"{name}-modes", table=modes)


@st.fragment
@guarded
def samples(dataset: Dataset) -> None:
    """Draw some images of each class, and others on request."""
    seed = st.session_state.setdefault(state.SAMPLE_SEED, 0)
    if st.button("Show others", key="data-others", icon=":material/shuffle:", help="Draw other images of each class."):
        seed = st.session_state[state.SAMPLE_SEED] = seed + 1
    for name, rows in sample(dataset, ROW, seed):
        total = int((dataset.table["label"] == name).sum())
        st.markdown(f"**{escape(name)}** · {len(rows):,} of {total:,} images")
        for column, row in zip(st.columns(ROW), rows.to_dict("records"), strict=False):
            with column:
                _image(dataset, str(row["path"]), f"{row['path']}, {row['width']} × {row['height']}, {row['mode']}")
    st.caption("Chosen at random and shown small. Training prepares the images at its own size.")


@st.fragment
@guarded
def copies(dataset: Dataset) -> None:
    """Draw groups of copies, byte-identical and near, side by side, page by page."""
    groups = copy_groups(dataset)
    if not groups:
        st.success(NO_COPIES, icon=":material/check:")
    else:
        shown = _chosen(groups)
        pages = math.ceil(len(shown) / GROUPS_PER_PAGE)
        number = st.pagination(pages, key=f"data-copies-{len(shown)}") if pages > 1 else 1
        with st.container(horizontal=True):  # most groups are pairs: several fit side by side
            for place, group in enumerate(shown[(number - 1) * GROUPS_PER_PAGE : number * GROUPS_PER_PAGE]):
                _group(dataset, group, (number - 1) * GROUPS_PER_PAGE + place + 1, len(shown))
        offer_csv("All groups as CSV", copy_table(groups), f"{dataset.root.name}-copies", "data-copies-csv")
    judged(dataset)
    st.caption(
        "Copies have the same bytes. Near copies look the same: saved again, scaled, mirrored, turned, shifted, "
        "cropped by up to a tenth of each side, brighter or darker, or with text on the margin. Neighbouring slices of "
        "one patient are not copies: set the patients to keep them together."
    )


def _chosen(groups: list[CopyGroup]) -> list[CopyGroup]:
    """Draw the choice of which groups to show."""
    kinds = {
        "All": groups,
        "Same bytes": [group for group in groups if not group.near],
        "Near copies": [group for group in groups if group.near],
        "Different labels": [group for group in groups if len(group.labels) > 1],
        "Across splits": [group for group in groups if len(group.splits) > 1],
    }
    offered = [kind for kind, members in kinds.items() if members]
    if all(len(kinds[kind]) == len(groups) for kind in offered):
        return groups
    words = {kind: f"{kind} ({len(kinds[kind]):,})" for kind in offered}
    kind = st.segmented_control(
        "Groups", offered, default="All", format_func=lambda each: words[each], required=True, key="data-kind"
    )
    return kinds[kind or "All"]


def _group(dataset: Dataset, group: CopyGroup, number: int, total: int) -> None:
    drawn = min(len(group.rows), COPIES_SHOWN)
    with st.container(border=True, width=drawn * COPY_WIDTH + (drawn + 1) * 16 + 2):
        what = "images that look the same" if group.near else "identical files"
        st.markdown(f"**{len(group.rows):,} {what}** · group {number:,} of {total:,}")
        for fault in group.faults:
            st.markdown(f":material/error: **{escape(fault)}**")
        for column, row in zip(st.columns(drawn), group.rows.to_dict("records"), strict=False):
            with column:
                split = f", {GIVEN[row['split']]}" if row["split"] else ""
                _image(dataset, str(row["path"]), f"{row['path']} (label {row['label']}{split})")
                if group.near:
                    others = [path for path in group.rows["path"] if path != row["path"]]
                    offer_to_part(dataset, str(row["path"]), others)
        if hidden := group.rows["path"].to_list()[COPIES_SHOWN:]:
            st.caption(f"And {len(hidden):,} more: {escape(', '.join(hidden[:50]))}.")


def _image(dataset: Dataset, path: str, caption: str) -> None:
    small = thumbnail(dataset, path)
    if small is None:
        st.caption(f"{escape(caption)}: can no longer be read.")
    else:
        draw_png(small, f"Image {path}", escape(caption))


def faults(report: DatasetReport) -> None:
    """Draw the files that cannot be read, with the reason, and those with warnings."""
    lists: dict[str, tuple[Sequence[Mapping[str, object]], str]] = {
        "Unreadable files": (report["unreadable"], "Every image file can be read."),
        "Warnings": (
            [{**entry, "files": ", ".join(entry["files"])} for entry in report["warnings"]],
            "There is no warning about this dataset.",
        ),
        "Wrong extension (read by content)": (
            [{"path": path} for path in report["wrong_extension"]],
            "Every file has the format that its extension names.",
        ),
        "Ignored: not images, or outside the class folders": (
            [{"path": path} for path in report["ignored"]],
            "There are no other files in the folder.",
        ),
    }
    for title, (rows, nothing) in lists.items():
        st.markdown(f"**{title}** · {len(rows):,}")
        if rows:
            st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", key=f"data-{title}")
        else:
            st.caption(nothing)
