"""Classification: one class for a whole image."""

from brainseg.config import ModelConfig
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.tasks.facts import TaskFacts

__all__ = ["FACTS"]


def _network(model: ModelConfig) -> str:
    if model.head == "concat-pool":
        return model.arch
    return f"{model.arch}, {model.head} head" if model.fine_tuned else f"{model.arch} + {model.head}"


FACTS = TaskFacts(
    name="classify",
    order=0,
    noun="classification",
    does="classifies images",
    model="model",
    headline="accuracy",
    headline_words="accuracy",
    units="images",
    independent="images",
    count="count",
    predictions="predictions.parquet",
    evaluation=ClassificationEvaluation,
    has_masks=False,
    network=_network,
    stages="stages pooled: {}",
)
