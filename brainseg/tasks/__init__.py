"""What differs between classification and segmentation: one folder per task, found by its name.

Each folder holds `FACTS` (names, files and words; light to import) and, in `training.py`, `TASK` (how a run of the task
is trained and evaluated; imports torch). A further task is a further folder, and its panels in `plots` and `app`.
"""

from brainseg.tasks.facts import TaskFacts
from brainseg.tasks.registry import TASKS, facts_of, task_of

__all__ = ["TASKS", "TaskFacts", "facts_of", "task_of"]
