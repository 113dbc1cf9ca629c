"""The differences between classification and segmentation: one folder per task, found by its name.

Each folder holds `FACTS` (names, files and words; fast to import) and, in `training.py`, `TASK` (how a run of the task
is trained and evaluated; imports torch). A new task needs a new folder here, and panels in `plots` and `app`.
"""

from brainseg.tasks.facts import TaskFacts
from brainseg.tasks.registry import TASKS, facts_of, task_of

__all__ = ["TASKS", "TaskFacts", "facts_of", "task_of"]
