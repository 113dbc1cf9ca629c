"""The Read page with a real model: own answer first, then the model's, then results."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from brainseg.app import state
from brainseg.app.read.answering import INCOMPLETE, SURE
from brainseg.app.read.creating import NO_MODEL, PHANTOM
from brainseg.app.read.reading import FINISHED
from brainseg.app.read.results import NOBODY
from brainseg.app.read.studies import NOTHING
from brainseg.cli.app import app as program
from brainseg.datasets.library import add_folder
from brainseg.diagnosis.joint import diagnose_with
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import ReadingError
from brainseg.reading.answers import ReaderAnswer
from brainseg.reading.creating import StudyRequest, create_study
from brainseg.reading.ending import study_state
from brainseg.reading.events import AnswerLocked, Exported, ModelShown
from brainseg.reading.images import read_case
from brainseg.reading.library import all_studies, study_folder, study_log
from brainseg.reading.model import ChosenModel
from brainseg.reading.session import ReaderSession
from brainseg.reading.study import Study
from brainseg.results.ensembles.making import make_ensemble
from brainseg.results.stored_results import split
from brainseg.runs import Run, RunStore
from brainseg.runs.ensembles import open_ensemble
from tests.app.page_text import plain
from tests.bundles import edit_of_run
from tests.conftest import write_set


@pytest.fixture
def study(tuned: Run, tiny_set: Path) -> Study:
    """Four held-out cases of the tiny dataset, with the fine-tuned model."""
    return create_study(StudyRequest(add_folder(tiny_set), cases=4), ChosenModel(RunStore(), tuned))


def everything(app: AppTest) -> str:
    assert not app.exception
    parts = [*app.header, *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(plain(parts))


def begun(open_page, study: Study, name: str = "owl") -> AppTest:
    app = open_page("read", study=study.id)
    app.text_input(key="reading-pseudonym").input(name)
    _button(app, "Begin").click().run()
    return app


def _button(app: AppTest, label: str):
    return next((button for button in app.button if button.label == label), None)


def _sure(app: AppTest):
    return next(field for field in app.number_input if field.label == SURE)


def answer(app: AppTest, finding: str, confidence: int) -> AppTest:
    app.radio[0].set_value(finding)
    _sure(app).set_value(confidence)
    _button(app, "Lock my answer").click().run()
    return app


def test_an_empty_home_says_what_a_study_is(home: Path, open_page) -> None:
    app = open_page("read")
    assert NOTHING in plain(app.info)
    assert "at most one image per patient" in app.number_input(key="create-cases").help
    assert "cannot show any difference" in everything(app)


def test_a_study_is_drawn_from_held_out_images_alone(study: Study, tuned: Run) -> None:
    sides = split(RunStore(), tuned).set_index("sha256")["split"]
    assert {sides[case.sha256] for case in study.cases} == {"valid"} == {case.side for case in study.cases}
    assert any("left out of the draw, since the model was trained on them" in note for note in study.notes)
    assert any("All cases are from the model's validation set" in note for note in study.notes)


def test_an_ensemble_answers_with_its_mean(finished_home: Path, tiny_set: Path, open_page) -> None:
    store = RunStore()
    run = make_ensemble(store, [store.get("baseline"), store.get("tuned")], "both")
    study = create_study(StudyRequest(add_folder(tiny_set), cases=4), ChosenModel(store, run))
    app = answer(begun(open_page, study), "no", 30)
    (shown,) = [event for event in study_log(study).events() if isinstance(event, ModelShown)]
    opened = open_ensemble(store, run)
    predictors = [Predictor.open(bundle) for bundle in opened.bundles]
    expected = diagnose_with(predictors, _scan(study, shown.case), opened.ensemble)
    assert shown.probabilities == pytest.approx(expected.probabilities)
    assert shown.digest == opened.ensemble.digest == study.model.digest
    assert any(text.startswith(("Model: ", "Not like")) for text in plain(app.header))


def test_a_model_with_other_classes_or_without_any_is_refused(tuned: Run, tmp_path: Path) -> None:
    other = add_folder(write_set(tmp_path / "other", ("cat", "dog"), 3))
    with pytest.raises(ReadingError, match="The model has the classes no, yes, but the dataset has cat, dog"):
        create_study(StudyRequest(other), ChosenModel(RunStore(), tuned))


def test_a_reader_answers_first_and_nothing_of_the_model_is_there_before(
    study: Study, open_page, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    diagnose = Predictor.diagnose
    monkeypatch.setattr(
        Predictor, "diagnose", lambda self, scan, *rest, **more: asked.append(scan.sha256) or diagnose(self, scan)
    )
    app = begun(open_page, study)
    case = study_state(study).reader("owl").current(study)
    assert (app.radio[0].value, _sure(app).value) == (None, None), "nothing is chosen in advance"
    _button(app, "Lock my answer").click().run()
    assert INCOMPLETE in plain(app.warning)
    app.radio[0].set_value("yes")
    _button(app, "Lock my answer").click().run()
    assert INCOMPLETE in plain(app.warning)
    assert study_state(study).reader("owl").record(case).locked is None
    assert asked == []
    assert " % " not in f"{everything(app)} "
    assert state.READ_ANSWER not in app.session_state
    assert "odel:" not in everything(app)
    assert not any(part in str(app.main) for part in (study.case(case).path, study.case(case).path.split("/")[1]))
    assert not [event for event in study_log(study).events() if isinstance(event, ModelShown)]
    _sure(app).set_value(70)
    _button(app, "Lock my answer").click().run()
    assert asked == [case]
    (shown,) = [event for event in study_log(study).events() if isinstance(event, ModelShown)]
    expected = diagnose(Predictor.open(RunStore().bundle(RunStore().get("tuned"))), _scan(study, case))
    assert shown.probabilities == pytest.approx(expected.probabilities)
    assert any(text.startswith(("Model: ", "Not like")) for text in plain(app.header))
    assert "You alone: **yes**, confidence 70." in everything(app)
    assert (app.radio[0].value, _sure(app).value) == ("yes", 70)
    app.run()
    assert asked == [case], "once per case"
    _sure(app).set_value(20)
    _button(app, "Lock and go on").click().run()
    record = study_state(study).reader("owl").record(case)
    assert (record.locked.confidence, record.revised.finding, record.revised.confidence) == (70, "yes", 20)
    assert state.READ_ANSWER not in app.session_state
    assert (app.radio[0].value, _sure(app).value) == (None, None), "the next case starts without an answer"


def _scan(study: Study, case: str):
    return read_case(study, study.case(case))


def test_all_cases_lead_to_results_that_are_those_of_the_command_line(study: Study, open_page, tmp_path: Path) -> None:
    app = open_page("read", study=study.id)
    app.segmented_control[0].set_value("Results").run()
    assert plain(app.info) == [NOBODY]
    app = begun(open_page, study)
    truths = {case.sha256: case.truth for case in study.cases}
    for _ in study.cases:
        case = study_state(study).reader("owl").current(study)
        answer(app, truths[case], 90)
        _button(app, "Lock and go on").click().run()
    assert FINISHED in plain(app.success)
    app.segmented_control[0].set_value("Results").run()
    shown = everything(app)
    assert "owl: 4 cases, 2 of them yes." in shown
    assert "0 of 4 answers changed" in shown
    table = app.dataframe[0].value
    assert table["Agreement with the truth"].iloc[0] == "4 of 4 (100 %; 51 to 100 %)"
    assert table["Sensitivity"].iloc[0] == "2 of 2 (100 %; 34 to 100 %)"
    assert any("validation set" in text for text in plain(app.warning))
    assert "Truth: **" in shown
    events = len(study_log(study).events())
    app.run()
    assert len(study_log(study).events()) == events, "a look is logged once per visit"
    answers, log = tmp_path / "a.csv", tmp_path / "l.jsonl"
    runner = CliRunner()
    runner.invoke(program, ["read", "export", study.id, "--answers", str(answers), "--log", str(log)])
    table = pd.read_csv(answers)
    assert (table["truth"] == table["answer"]).all()
    assert (table["answer"].value_counts()["yes"], set(table["confidence"])) == (2, {90})
    assert isinstance(study_log(study).events()[-1], Exported)
    found = json.loads(runner.invoke(program, ["read", "results", study.name, "--json"]).stdout)
    (owl,) = found["readers"]
    assert owl["conditions"]["reader alone"]["agreement"]["hits"] == 4
    text = runner.invoke(program, ["read", "results", study.id[:8]]).stdout
    assert "agreement 4 of 4 (100 %; 51 to 100 %)" in text
    assert "Research use only" in text
    verified = json.loads(runner.invoke(program, ["read", "verify", str(log), "--json"]).stdout)
    assert verified["intact"]
    assert runner.invoke(program, ["read", "verify", study.id, "--hash", verified["head"]]).exit_code == 0
    listed = json.loads(runner.invoke(program, ["read", "list", "--json"]).stdout)
    assert listed[0]["readers"] == [{"reader": "owl", "done": 4, "finished": True}]


def test_a_tampered_log_stops_everything_with_a_sentence(study: Study, open_page) -> None:
    ReaderSession(study, "owl", "x").begin()
    log = study_folder(study.id) / "log.jsonl"
    log.write_text(log.read_text().replace('"owl"', '"fox"'))
    app = open_page("read", study=study.id)
    app.segmented_control[0].set_value("Results").run()
    assert any("is broken at line 2" in text for text in plain(app.error))
    assert any("is broken at line 2" in text for text in plain(open_page("read").warning))
    result = CliRunner().invoke(program, ["read", "verify", study.id])
    assert result.exit_code == 1
    assert "broken at line 2" in result.stdout
    listed = json.loads(CliRunner().invoke(program, ["read", "list", "--json"]).stdout)
    assert "broken at line 2" in listed[0]["damaged"]


def test_results_are_hidden_while_somebody_reads_until_the_study_is_ended(study: Study, open_page) -> None:
    session = ReaderSession(study, "fox", "x")
    session.begin()
    session.show()
    session.lock(session.state().current(study), ReaderAnswer("no", 50))
    app = open_page("read", study=study.id)
    app.segmented_control[0].set_value("Results").run()
    assert any("Still reading: fox" in text for text in plain(app.info))
    assert not app.dataframe
    assert "Truth" not in everything(app)
    result = CliRunner().invoke(program, ["read", "results", study.id])
    assert isinstance(result.exception, ReadingError)
    _button(app, "End it").click().run()
    assert "No case was done" in everything(app)
    assert study_state(study).ended


def test_a_second_tab_and_a_changed_model_end_in_a_sentence(study: Study, open_page, tuned: Run) -> None:
    app = begun(open_page, study)
    case = study_state(study).reader("owl").current(study)
    app.radio[0].set_value("yes")
    _sure(app).set_value(50)
    ReaderSession(study, "owl", "other tab").lock(case, ReaderAnswer("no", 10))
    _button(app, "Lock my answer").click().run()
    assert "You alone: **no**, confidence 10." in everything(app), "what the other tab locked"
    locked = [event for event in study_log(study).events() if isinstance(event, AnswerLocked)]
    assert [(event.finding, event.confidence) for event in locked] == [("no", 10)]
    edit_of_run(tuned.id, lambda values: values.update(name="another"))
    app = begun(open_page, study)
    assert any("The model was changed after this study was made" in text for text in plain(app.error))


def test_a_teaching_study_on_the_phantom_is_created_and_shows_the_truth(home: Path, open_page) -> None:
    app = open_page("read")
    assert app.selectbox(key="create-source").value == PHANTOM
    assert app.selectbox(key="create-model").options == [NO_MODEL]
    app.number_input(key="create-cases").set_value(4)
    app.checkbox(key="create-teaching").set_value(True)
    app.button(key="create").click().run()
    (study,) = all_studies()
    assert (study.teaching, len(study.cases), study.dataset.synthetic) == (True, 4, 4)
    app.text_input(key="reading-pseudonym").input("Student 1")
    _button(app, "Begin").click().run()
    case = study_state(study).reader("student 1").current(study)
    answer(app, "tumour", 60)
    truth = study.case(case).truth
    assert plain(app.header)[-1] == f"Truth: {truth}"
    right = "right" if truth == "tumour" else "wrong"
    assert f"Alone: **tumour** ({right})" in everything(app)
    _button(app, "Next case").click().run()
    assert study_state(study).reader("Student 1").current(study) != case
    assert "Truth" not in everything(app)


def test_a_demo_session_reads_and_makes_nothing(study: Study, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    app = open_page("read")
    assert _button(app, "Create the study") is None
    app = begun(open_page, study)
    assert _button(app, "Lock my answer")
    app.segmented_control[0].set_value("Results").run()
    assert _button(app, "End it") is None


def test_an_address_that_names_no_study_says_so(home: Path, open_page) -> None:
    app = open_page("read", study="nothing")
    assert any("There is no reader study 'nothing'" in text for text in plain(app.error))
