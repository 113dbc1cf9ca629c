"""The one description of a run: its schema, presets, settings as people write them, and messages about faults."""

from brainseg.config.presets import default_preset, load_preset, preset_names
from brainseg.config.schema import (
    FIXED,
    Architecture,
    AugmentationConfig,
    ComputeConfig,
    DataConfig,
    EvaluationConfig,
    HeatmapMethod,
    ModelConfig,
    PreparationConfig,
    RunConfig,
    Section,
    TrainingConfig,
)
from brainseg.config.settings import parse_settings

__all__ = [
    "FIXED",
    "Architecture",
    "AugmentationConfig",
    "ComputeConfig",
    "DataConfig",
    "EvaluationConfig",
    "HeatmapMethod",
    "ModelConfig",
    "PreparationConfig",
    "RunConfig",
    "Section",
    "TrainingConfig",
    "default_preset",
    "load_preset",
    "parse_settings",
    "preset_names",
]
