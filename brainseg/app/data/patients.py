"""Which images belong to one patient: what the Data page shows about this, and the form that changes it."""

from __future__ import annotations

import streamlit as st

from brainseg.app.widgets.dataset_reading import reread
from brainseg.datasets.library import KnownDataset, set_groups
from brainseg.datasets.patient_messages import as_sentence, patients_sentence
from brainseg.datasets.report_fields import DatasetReport
from brainseg.results.markdown import escape
from brainseg.users.policy import Act, may

KINDS = {
    "auto": "Guess",
    "none": "Not known",
    "column": "Column of the manifest",
    "folder": "Folder",
    "name": "Part of the file name",
    "other": "Written as data.groups",
}
HELP = {
    "column": "Its name in the first line of the manifest.",
    "folder": "1 is the first folder below the class folder, -1 the folder that holds the image.",
    "name": "A regular expression with one group in brackets, such as ^(P[0-9]+)_ for P03_012.png.",
    "other": "For example exact, loose or per-class. Each may also precede a rule, as in loose:column:case.",
}


def patients(known: KnownDataset, report: DatasetReport) -> None:
    """Draw how many patients there are and how they were identified, and the form that changes this."""
    sentence = as_sentence(patients_sentence(report["patients"]))
    if known.groups != "auto":
        sentence += f" Set by data.groups={escape(known.groups)}."
    if report["patients"]["count"]:
        st.markdown(sentence)
    else:
        st.info(sentence, icon=":material/info:")
    if not may(Act.CHANGE_DATASET, owner=known.owner):
        return
    with st.expander("Set which images belong to one patient", icon=":material/groups:"):
        _form(known)


def _form(known: KnownDataset) -> None:
    key = f"data-groups-{known.name}"
    kind, value = _parts(known.groups)
    left, right = st.columns(2)
    with left:
        chosen = st.selectbox(
            "Patients are identified by",
            list(KINDS),
            list(KINDS).index(kind),
            format_func=lambda each: KINDS[each],
            key=f"{key}-kind",
        )
    text = ""
    if chosen in HELP:
        with right:
            start = value if chosen == kind else ""
            text = st.text_input("Which", start, help=HELP[chosen], key=f"{key}-{chosen}").strip()
    if st.button("Store", key=f"{key}-store", help="Every training on this dataset uses it by default."):
        rule = text if chosen == "other" else f"{chosen}:{text}" if chosen in HELP else chosen
        reread(lambda report_progress: set_groups(known.name, rule, report_progress))
    st.caption("A grouped split keeps all images of one patient together.")


def _parts(groups: str) -> tuple[str, str]:
    kind, _, value = groups.partition(":")
    return (kind, value) if kind in KINDS else ("other", groups)
