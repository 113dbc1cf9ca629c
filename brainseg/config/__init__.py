"""The configuration of a run: its schema, presets, settings as users write them, and messages about errors in it."""

from brainseg.config.data_section import DataConfig
from brainseg.config.presets import load_preset, preset_names
from brainseg.config.schema import TASKS, RunConfig
from brainseg.config.sections import (
    Architecture,
    AugmentationConfig,
    ComputeConfig,
    EvaluationConfig,
    HeatmapMethod,
    ModelConfig,
    PreparationConfig,
    Section,
    TrainingConfig,
)
from brainseg.config.settings import parse_settings
from brainseg.config.tasks import ClassificationRun, SegmentationRun, default_preset

__all__ = [
    "TASKS",
    "Architecture",
    "AugmentationConfig",
    "ClassificationRun",
    "ComputeConfig",
    "DataConfig",
    "EvaluationConfig",
    "HeatmapMethod",
    "ModelConfig",
    "PreparationConfig",
    "RunConfig",
    "Section",
    "SegmentationRun",
    "TrainingConfig",
    "default_preset",
    "load_preset",
    "parse_settings",
    "preset_names",
]
