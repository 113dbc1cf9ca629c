"""The models' answers about volumes: each is computed once per session, beside the page, and may be corrected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from brainseg.app import model_cache, state
from brainseg.app.diagnose.members import Classifiers, Member
from brainseg.app.diagnose.volume.series import Series
from brainseg.app.diagnose.volume.work import Cancelled, Work
from brainseg.app.frame import guarded
from brainseg.app.volume_viewer.packing import pack_mask, unpack_mask
from brainseg.diagnosis.study import sequences_of
from brainseg.errors import BrainsegError
from brainseg.files import sha256_bytes
from brainseg.monitoring import log_answers, record_of
from brainseg.operations.metrics import counted_answer
from brainseg.users.actor import acting_as, current

if TYPE_CHECKING:
    from brainseg.diagnosis.volume_classes import VolumeClasses
    from brainseg.diagnosis.volume_mask import Progress, VolumeMask
    from brainseg.scans.volumes.volume import Volume

MOST = 6
"""Most answers that a session keeps."""
POLL = 1.0
"""Seconds between two looks at how far the work is."""
MARKING, CLASSIFYING = "Marking slices", "Classifying slices"
CANCELLED = "Cancelled: there is no answer."
UNNAMED = "the series"
"""What a volume of unknown sequence is called in files."""

Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask of a volume, and how the browser takes it.

    Attributes:
        answer: The mask with its measurements.
        packed: See `packing.pack_mask`.
        id: Hash of the mask.
    """

    answer: VolumeMask
    packed: str
    id: str

    @classmethod
    def of(cls, answer: VolumeMask) -> Mask:
        """Pack the mask of an answer."""
        packed = pack_mask(answer.mask)
        return cls(answer, packed, sha256_bytes(packed.encode())[:16])


@dataclass(frozen=True, eq=False)
class Marked:
    """What a segmentation model marked on a volume, and what a person made of it.

    Attributes:
        key: Names the answer in the browser.
        model: The model's mask, which never changes.
        person: The corrected mask; None without one.
    """

    key: str
    model: Mask
    person: Mask | None = None


@dataclass
class VolumeAnswers:
    """The answers of a session by what they are about, the oldest first."""

    kept: dict[Key, Marked | VolumeClasses] = field(default_factory=dict)

    def add(self, key: Key, answer: Marked | VolumeClasses) -> None:
        """Keep an answer; the oldest is dropped when there are too many."""
        self.kept[key] = answer
        for old in [*self.kept][:-MOST]:
            del self.kept[old]


def session_answers() -> VolumeAnswers:
    """Return the answers of this session."""
    answers: VolumeAnswers = st.session_state.setdefault(state.VOLUME_ANSWERS, VolumeAnswers())
    return answers


def answer_key(models: Sequence[Member], found: Sequence[Series], shown: Series, plane: str) -> Key:
    """Return what an answer depends on: the models, the plane, and the series with their sequences."""
    several = any(sequences_of(model.description) for model in models)
    used = [(each.id, each.volume.sequence) for each in found] if several else [(shown.id, None)]
    return (*(model.version for model in models), plane, *used)


def start_marking(key: Key, model: Member, found: Sequence[Series], shown: Series, plane: str) -> None:
    """Let a segmentation model mark a volume.

    Raises:
        BundleError: The model cannot be loaded.
    """
    segmenter, visitor = model_cache.segmenter(model.run.id), current()  # another thread has no session to ask
    chosen = [each.volume for each in found] if sequences_of(model.description) else [shown.volume]

    def run(progress: Progress) -> Marked:
        from brainseg.diagnosis.study import volumes_for
        from brainseg.diagnosis.volume_mask import mark_volume

        volumes = volumes_for(model.description, chosen)
        with acting_as(visitor), counted_answer("segment-volume", [model.run.id]):
            answer = mark_volume(segmenter, volumes, plane, progress)
        answer = _without_file_names(answer, chosen)
        return Marked(sha256_bytes(repr(key).encode())[:16], Mask.of(answer))

    _start(key, MARKING, run)


def _without_file_names(answer: VolumeMask, volumes: Sequence[Volume]) -> VolumeMask:
    """Return an answer that calls its volumes by their sequences.

    A file's name may be a patient's, and warnings go into the files that are offered.
    """
    warnings = answer.warnings
    for volume in sorted(volumes, key=lambda each: -len(each.name)):  # a name may be a part of another
        warnings = tuple(text.replace(volume.name, volume.sequence or UNNAMED) for text in warnings)
    named = replace(answer.volume, name=answer.volume.sequence or UNNAMED)
    return replace(answer, volume=named, warnings=warnings)


def start_classifying(key: Key, members: Classifiers, found: Sequence[Series], shown: Series, plane: str) -> None:
    """Let classifiers predict the class of each slice of a volume.

    Raises:
        BundleError: A model cannot be loaded.
    """
    predictors, visitor = [model_cache.predictor(member.run.id) for member in members], current()
    chosen = [each.volume for each in found] if sequences_of(members[0].description) else [shown.volume]

    def run(progress: Progress) -> VolumeClasses:
        from brainseg.diagnosis.joint import diagnose_with
        from brainseg.diagnosis.study import volumes_for
        from brainseg.diagnosis.volume_classes import classify_volume

        first = members[0].description
        ask = partial(diagnose_with, predictors, ensemble=members.ensemble, heatmaps=False)
        volumes = volumes_for(first, chosen)
        with acting_as(visitor), counted_answer("classify-volume", [member.run.id for member in members]):
            return classify_volume(ask, first.classes, volumes, plane, progress)

    _start(key, CLASSIFYING, run)


def _start(key: Key, what: str, run: Callable[[Progress], Any]) -> None:
    st.session_state.pop(state.VOLUME_FAILED, None)
    st.session_state[state.VOLUME_WORK] = (key, Work(run), what)


def working() -> bool:
    """Return whether something is being computed; what has ended is kept, and an error becomes a message."""
    if state.VOLUME_WORK not in st.session_state:
        return False
    key, work, _ = st.session_state[state.VOLUME_WORK]
    if not work.finished:
        return True
    del st.session_state[state.VOLUME_WORK]
    try:
        answer = work.result()
    except Cancelled:
        st.session_state[state.VOLUME_FAILED] = CANCELLED
    except BrainsegError as error:
        st.session_state[state.VOLUME_FAILED] = str(error)
    else:
        session_answers().add(key, answer)
        if isinstance(answer, Marked):
            log_answers([record_of(answer.model.answer, "page")])
    return False


@st.fragment(run_every=POLL)
@guarded
def show_progress() -> None:
    """Draw how far the work is, with a button that cancels it; redraw the page when it has ended."""
    if state.VOLUME_WORK not in st.session_state:
        return
    _, work, what = st.session_state[state.VOLUME_WORK]
    if work.finished:
        st.rerun()
    bar, button = st.columns([4, 1], vertical_alignment="center")
    count = f": {work.done:,} of {work.total:,}" if work.total else " …"
    bar.progress(work.done / max(1, work.total), f"{what}{count}")
    button.button("Cancel", key="volume-cancel", on_click=work.cancel, icon=":material/cancel:", width="stretch")


def keep_correction(key: Key, sent: object) -> None:
    """Keep what came from the viewer as the person's mask of an answer; what is about another answer is dropped.

    Raises:
        ScanError: It did not arrive whole.
    """
    from brainseg.diagnosis.volume_mask import with_mask

    answers = session_answers()
    marked = answers.kept.get(key)
    if not (isinstance(marked, Marked) and isinstance(sent, dict) and sent.get("key") == marked.key):
        return
    answer = marked.model.answer
    mask = unpack_mask(sent.get("mask"), answer.mask.shape, len(answer.ml))
    answers.kept[key] = replace(marked, person=Mask.of(with_mask(answer, mask)))


def drop_correction(key: Key) -> None:
    """Forget the person's mask of an answer."""
    marked = session_answers().kept.get(key)
    if isinstance(marked, Marked):
        session_answers().kept[key] = replace(marked, person=None)
