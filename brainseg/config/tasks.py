"""The tasks: one class per task. It restricts each setting to the values that have an effect on the task.

The classes form a union; the field `task` tells them apart. To add a task, add a class here; `RunConfig.parse`, the
messages and the form follow from its types.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from brainseg.config.data_section import DataConfig
from brainseg.config.schema import TASKS, RunConfig
from brainseg.config.sections import EvaluationConfig, ModelConfig, TrainingConfig

_Zero = Annotated[float, Field(ge=0, le=0)]
_Half = Annotated[float, Field(ge=0.5, le=0.5)]


class ClassificationRun(RunConfig):
    """Learn one label per image."""

    about: ClassVar[str] = "one label per image"
    default_preset: ClassVar[str] = "default"

    class Data(DataConfig):
        """Images without masks."""

        modalities: None = None
        mask_threshold: None = None

    class Model(ModelConfig):
        """A network without a decoder."""

        self_attention: Literal[False] = False
        bottleneck: Literal[False] = False

    class Training(TrainingConfig):
        """Training with a loss per image."""

        loss: Literal["auto", "cross-entropy"] = "auto"

    class Evaluation(EvaluationConfig):
        """Evaluation without masks."""

        empty_masks: Literal["skip"] = "skip"

    task: Literal["classify"] = "classify"
    data: Data = Data()
    model: Model = Model()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()


class SegmentationRun(RunConfig):
    """Learn one label per pixel."""

    about: ClassVar[str] = "one label per pixel"
    default_preset: ClassVar[str] = "segment"

    class Data(DataConfig):
        """Images with masks instead of labels."""

        positive: None = None
        allow_conflicting_labels: Literal[False] = False

    class Model(ModelConfig):
        """A U-Net, which has no head."""

        head: Literal["concat-pool"] = "concat-pool"
        dropout: _Half = 0.5

    class Training(TrainingConfig):
        """Training with a loss per pixel."""

        label_smoothing: _Zero = 0.0
        mixup: _Zero = 0.0
        balance: Literal["none", "sampling"] = "none"

    class Evaluation(EvaluationConfig):
        """Evaluation without heatmaps."""

        heatmap_method: Literal["grad-cam"] = "grad-cam"
        heatmap_layer: Literal["last"] = "last"

    task: Literal["segment"] = "segment"
    data: Data = Data()
    model: Model = Model()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()


def default_preset(settings: dict[str, Any]) -> str:
    """Return the preset that a run starts from if the user names none: the default preset of its task."""
    task = TASKS.get(str(settings.get("task")), ClassificationRun)
    return task.default_preset
