from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from brainseg import tasks
from brainseg.config import RunConfig
from brainseg.tasks import TASKS, task_of
from brainseg.tasks.registry import find_tasks

HOUSE = Path(tasks.__file__).parents[1]
COMPARISON = re.compile(
    r"""task \s* [!=]= | \.task\b [^\n]* [!=]= \s* ["'{] | head \s* [!=]=
    | [!=]= \s* ["'{]+ (segment|classify|concat-pool)\b""",
    re.VERBOSE,
)


@pytest.mark.parametrize("name", TASKS)
def test_each_task_of_the_settings_can_be_trained(name: str) -> None:
    task = task_of(RunConfig.parse({"task": name}))
    assert task.headline == TASKS[name].headline
    assert task.config.task == name


def test_a_third_task_is_one_folder_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "counting").mkdir()
    (tmp_path / "counting" / "__init__.py").write_text(
        "from dataclasses import replace\n"
        "from brainseg.tasks.classification import FACTS as OTHER\n"
        "FACTS = replace(OTHER, name='count', noun='counting', order=7, headline='mean_error')\n"
    )
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    try:
        found = find_tasks()
    finally:
        sys.modules.pop("brainseg.tasks.counting", None)
    assert list(found) == [*TASKS, "count"]
    assert found["count"].headline == "mean_error"


def test_nothing_asks_which_task_a_run_has_but_tasks_settings_and_the_dispatch_of_the_app() -> None:
    asking = [
        f"{file.relative_to(HOUSE)}: {line.strip()}"
        for file in sorted(HOUSE.rglob("*.py"))
        if file.relative_to(HOUSE).parts[0] not in {"tasks", "config", "app"}
        for line in file.read_text("utf-8").splitlines()
        if COMPARISON.search(line)
    ]
    assert asking == []


@pytest.mark.parametrize(
    "line",
    ['if run.config.task == "segment":', "what = 1 if head != 'svm' else 2", 'if tasks == {"classify"}:'],
)
def test_a_planted_question_is_found(line: str) -> None:
    assert COMPARISON.search(line)


def test_facts_are_light_to_import() -> None:
    """The command line lists runs without waiting seconds for torch."""
    code = "import sys, brainseg.tasks; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
