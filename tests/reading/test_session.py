"""A reader's way through a study: every step in its turn, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from brainseg.datasets.library import add_folder
from brainseg.errors import ReadingError
from brainseg.reading.answers import ReaderAnswer
from brainseg.reading.creating import StudyRequest, create_study
from brainseg.reading.ending import end_study, require_over, results_seen, study_state
from brainseg.reading.events import AnswerLocked, AnswerRevised, CaseShown, ModelShown, ReaderFinished
from brainseg.reading.library import study_log
from brainseg.reading.replay import Step
from brainseg.reading.sampling import order_for
from brainseg.reading.session import ReaderSession, checked_pseudonym
from brainseg.reading.study import Study
from tests.reading.conftest import answering, read_all

YES, NO = ReaderAnswer("yes", 80), ReaderAnswer("no", 60)


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    return make_study()


def opened(study: Study, reader: str = "owl", sitting: str = "one") -> tuple[ReaderSession, str]:
    """Return a session whose current case is shown, and the case."""
    session = ReaderSession(study, reader, sitting)
    session.begin()
    session.show()
    return session, session.state().current(study)


def never_asked(_: object):
    raise AssertionError("the model was asked")


def test_each_step_out_of_order_is_refused_and_writes_nothing(study: Study) -> None:
    session = ReaderSession(study, "owl", "one")
    first = study.cases[0].sha256
    for call in (
        session.state,
        session.show,
        lambda: session.lock(first, YES),
        lambda: session.show_model(first, never_asked),
        lambda: session.revise(first, "yes", 50),
        lambda: session.show_truth(first),
    ):
        with pytest.raises(ReadingError, match="owl has not begun"):
            call()
    current = session.begin().current(study)
    other = next(case.sha256 for case in study.cases if case.sha256 != current)
    with pytest.raises(ReadingError, match="has not been shown yet"):
        session.lock(current, YES)
    session.show()
    kept = study_log(study).file.read_bytes()
    for call, why in (
        (lambda: session.show_model(current, never_asked), "no locked answer yet"),
        (lambda: session.revise(current, "yes", 50), "no locked answer yet"),
        (lambda: session.show_truth(current), "no locked answer yet"),
        (lambda: session.lock(other, YES), "is not the current one"),
        (lambda: session.lock("0" * 64, YES), "not a case of this study"),
    ):
        with pytest.raises(ReadingError, match=why):
            call()
    assert study_log(study).file.read_bytes() == kept
    session.lock(current, YES)
    kept = study_log(study).file.read_bytes()
    for call, why in (
        (lambda: session.lock(current, NO), "its answer is locked"),
        (lambda: session.revise(current, "no", 50), "the model's answer comes next"),
    ):
        with pytest.raises(ReadingError, match=why):
            call()
    assert study_log(study).file.read_bytes() == kept
    session.show_model(current, answering(0.7))
    with pytest.raises(ReadingError, match="the answer after it comes next"):
        session.lock(current, NO)
    state = session.revise(current, "no", 40)
    record = state.record(current)
    assert (record.locked.answer, record.revised.finding, record.revised.confidence) == (YES, "no", 40)
    with pytest.raises(ReadingError, match="it is done, and its answers never change"):
        session.revise(current, "yes", 90)
    with pytest.raises(ReadingError, match="it is done"):
        session.lock(current, NO)


def test_an_answer_that_is_none_is_refused(study: Study) -> None:
    session, case = opened(study)
    for answer, why in (
        (ReaderAnswer("maybe", 50), "not a class"),
        (ReaderAnswer("yes", 0), "confidence 0"),
        (ReaderAnswer("yes", 101), "confidence 101"),
        (ReaderAnswer("yes", 50.5), "confidence 50.5"),
        (ReaderAnswer("yes", 50, (10.0, 10.0, 10.0, 20.0)), "72 x 72 pixels"),
        (ReaderAnswer("yes", 50, (10.0, 10.0, 90.0, 20.0)), "72 x 72 pixels"),
        (ReaderAnswer("yes", 50, (float("nan"), 10.0, 20.0, 20.0)), "72 x 72 pixels"),
    ):
        with pytest.raises(ReadingError, match=why):
            session.lock(case, answer)
    assert session.lock(case, ReaderAnswer("yes", 50, (1.0, 2.0, 30.5, 72.0))).record(case).locked.box[2] == 30.5


def test_the_model_of_another_version_is_not_shown(study: Study) -> None:
    session, case = opened(study)
    session.lock(case, YES)
    with pytest.raises(ReadingError, match="The model was changed after this study was made"):
        session.show_model(case, answering(0.9, digest="e" * 64))
    assert session.state().record(case).model is None


def test_the_log_keeps_who_saw_what_and_no_file_names(study: Study) -> None:
    read_all(study, "Owl", lambda _: ("yes", 70), lambda _: 0.25, lambda _: ("no", 90))
    text = study_log(study).file.read_text()
    assert not any(case.path in text or case.path.split("/")[1] in text for case in study.cases)
    events = study_log(study).events()
    kinds = [event.kind for event in events]
    assert kinds[:2] == ["study created", "reader began"]
    assert kinds[2:-1] == ["case shown", "answer locked", "model shown", "answer revised"] * 6
    assert kinds[-1] == "reader finished"
    assert all(event.time.endswith("+00:00") for event in events)
    assert sorted(event.time for event in events) == [event.time for event in events]
    shown = [event for event in events if isinstance(event, ModelShown)]
    assert {(event.label, event.probabilities["yes"], event.calibrated) for event in shown} == {("no", 0.25, False)}
    assert json.loads(text.splitlines()[0])["disclaimer"] == "Research use only, not a medical device."


def test_each_reader_has_an_order_that_can_be_drawn_again(study: Study) -> None:
    cases = tuple(case.sha256 for case in study.cases)
    orders = {name: ReaderSession(study, name, "x").begin().order for name in ("owl", "fox", "hen")}
    assert len(set(orders.values())) == 3
    for name, order in orders.items():
        assert sorted(order) == sorted(cases)
        assert order == order_for(cases, study.seed, name) == order_for(cases, study.seed, name.upper())
        assert order != order_for(cases, study.seed + 1, name)
    assert ReaderSession(study, "OWL", "y").begin().name == "owl", "the same reader"
    assert len(study_state(study).readers) == 3


def test_a_reader_who_returns_continues_with_the_next_unanswered_case(study: Study) -> None:
    session = read_all(study, "owl", lambda _: ("yes", 70), lambda _: 0.9, most=2)
    order = session.state().order
    session.show()
    again = ReaderSession(study, "owl", "another sitting")
    assert again.begin().current(study) == order[2]
    again.show()
    again.show()
    again.lock(order[2], NO)
    shown = [event.sitting for event in study_log(study).events() if isinstance(event, CaseShown)]
    assert shown[-2:] == ["sitting", "another sitting"]
    third = ReaderSession(study, "owl", "third")
    assert third.state().record(order[2]).step(study) is Step.MODEL
    with pytest.raises(ReadingError, match="its answer is locked"):
        third.lock(order[2], YES)


def test_an_entry_of_a_reader_who_never_began_is_named(study: Study) -> None:
    study_log(study).append(lambda _: [ReaderFinished(reader="ghost")])
    with pytest.raises(ReadingError, match="an entry of ghost, who never began"):
        study_state(study)


def test_two_tabs_of_one_reader_lock_one_answer(study: Study) -> None:
    first, case = opened(study)
    second, same = opened(study, sitting="two")
    assert same == case
    second.lock(case, NO)
    with pytest.raises(ReadingError, match="its answer is locked"):
        first.lock(case, YES)
    locked = [event for event in study_log(study).events() if isinstance(event, AnswerLocked)]
    assert [event.answer for event in locked] == [NO]


def test_without_a_model_there_is_one_answer_and_no_second(make_study: Callable[..., Study]) -> None:
    study = make_study(model=False)
    session, case = opened(study)
    session.lock(case, YES)
    with pytest.raises(ReadingError, match="it is done"):
        session.show_model(case, never_asked)
    read_all(study, "owl", lambda _: ("no", 1))
    events = study_log(study).events()
    assert not [event for event in events if isinstance(event, ModelShown | AnswerRevised)]
    assert isinstance(events[-1], ReaderFinished)


def test_the_truth_is_shown_per_case_in_teaching_mode_only(make_study: Callable[..., Study]) -> None:
    taught = make_study(model=False, teaching=True)
    assert any("saw the truth after each case" in note for note in taught.notes)
    session, case = opened(taught)
    session.lock(case, YES)
    assert session.state().record(case).step(taught) is Step.TRUTH
    assert session.show_truth(case) == taught.case(case).truth
    assert session.state().current(taught) != case
    plain = make_study(model=False)
    session, case = opened(plain)
    session.lock(case, YES)
    with pytest.raises(ReadingError, match="it is done"):
        session.show_truth(case)


def test_results_stay_hidden_until_all_who_began_have_finished(study: Study) -> None:
    with pytest.raises(ReadingError, match="Nobody has read this study yet"):
        require_over(study_state(study))
    read_all(study, "owl", lambda _: ("yes", 70), lambda _: 0.9)
    read_all(study, "fox", lambda _: ("yes", 70), lambda _: 0.9, most=1)
    with pytest.raises(ReadingError, match="Still reading: fox"):
        results_seen(study, "visit", "page")
    end_study(study, "page")
    assert study_state(study).over
    with pytest.raises(ReadingError, match="has ended"):
        ReaderSession(study, "fox", "x").show()
    with pytest.raises(ReadingError, match="has ended"):
        ReaderSession(study, "hen", "x").begin()
    with pytest.raises(ReadingError, match="has ended already"):
        end_study(study, "page")


def test_a_reader_who_begins_after_results_were_shown_is_marked(study: Study) -> None:
    read_all(study, "owl", lambda _: ("yes", 70), lambda _: 0.9)
    results_seen(study, "visit", "page")
    lines = len(study_log(study).events())
    results_seen(study, "visit", "page")
    assert len(study_log(study).events()) == lines, "once per visit"
    assert ReaderSession(study, "fox", "x").begin().after_results
    with pytest.raises(ReadingError, match="Still reading: fox"):
        results_seen(study, "other visit", "page")


def test_an_image_that_changed_is_not_shown_and_its_name_stays_hidden(
    reading_home: Path, patients_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(patients_folder, tmp_path / "copy"))
    study = create_study(StudyRequest(add_folder(folder), cases=4))
    session = ReaderSession(study, "owl", "x")
    case = study.case(session.begin().current(study))
    other = next(each for each in study.cases if each != case)
    shutil.copy(folder / other.path, folder / case.path)
    with pytest.raises(ReadingError, match="was changed after the study was made") as found:
        session.show()
    assert Path(case.path).stem not in str(found.value)
    (folder / case.path).unlink()
    with pytest.raises(ReadingError, match="cannot be read: put the dataset back") as found:
        session.show()
    assert Path(case.path).stem not in str(found.value)


@pytest.mark.parametrize("name", ["", " ", "=1+1", "a" * 31, "<b>", "a/b", "-x"])
def test_pseudonyms_that_are_refused(name: str) -> None:
    with pytest.raises(ReadingError, match="cannot be a pseudonym"):
        checked_pseudonym(name)


def test_pseudonyms_that_are_allowed() -> None:
    assert [checked_pseudonym(name) for name in (" Reader  1 ", "Füchsin", "r-2")] == ["Reader 1", "Füchsin", "r-2"]
