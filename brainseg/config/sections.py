"""The sections of `RunConfig`: every setting, with its bounds, its default and its meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from brainseg.config.group_rule import parse_rule
from brainseg.errors import ConfigError

HIGHEST_MASK_VALUE = 65535
"""The largest value of a 16-bit mask, and so the largest mask threshold."""

Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
HeatmapMethod = Literal["grad-cam", "layer-cam", "smooth-layer-cam", "grad-cam++", "eigen-cam", "score-cam"]


class Section(BaseModel):
    """Base class of all sections: immutable, and without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _switch_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - any field's value
        # YAML reads yes and on as True, which pydantic would accept as 1.
        if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation in (int, float):
            raise ValueError(f"{value} is not allowed: input should be a number")
        return value


class DataConfig(Section):
    """The dataset, and which part of it is the validation set."""

    path: str = Field("", description="Folder of class folders, or a CSV manifest (path, label, group, split).")
    split: Literal["random", "grouped", "k-fold", "given"] = Field(
        "grouped",
        description="How to choose the validation set. grouped: copies (exact and near) and images of one patient stay "
        "together; random: as in the paper, with leaks if the dataset contains copies; k-fold: grouped folds; given: "
        "the split of the folders or of the manifest.",
    )
    valid_fraction: float = Field(
        0.2, ge=0.05, le=0.5, description="Fraction of the images that go to the validation set."
    )
    stratify: bool = Field(
        False, description="Keep the class proportions equal in training and validation sets (random split only)."
    )
    folds: int = Field(5, ge=2, le=20, description="Number of folds (k-fold only).")
    fold: int = Field(0, ge=0, description="The fold that is the validation set, counted from 0 (k-fold only).")
    grouped_folds: bool = Field(
        True,
        description="Keep copies and images of one patient in one fold; false: folds by image, as in the paper, with "
        "leaks (k-fold only).",
    )
    seed: int = Field(42, ge=0, lt=2**32, description="Seed of the split.")
    groups: str = Field(
        "auto",
        description="Which images are of one patient. auto: a column of the manifest, else folders, else file names; "
        "none: not known; or column:NAME, folder, folder:N, name:REGEX. A prefix exact:, loose: or per-class: sets how "
        "ids are compared.",
    )
    skip_bad: bool = Field(False, description="Leave out and record unreadable files, instead of stopping.")
    allow_conflicting_labels: bool = Field(
        False, description="Train on images that have several labels, instead of stopping (classification only)."
    )
    positive: str | None = Field(
        None, description="The class that counts as tumour; by default brainseg guesses it from the class names."
    )
    modalities: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        max_length=3,
        description="Sequences to use as input channels, in this order, e.g. [t1, flair]; by default the channels as "
        "stored (segmentation only).",
    )
    mask_threshold: Annotated[float, Field(gt=0, le=HIGHEST_MASK_VALUE, strict=True)] | None = Field(
        None,
        description="Mask values from this number up are tumour and all lower values are background, e.g. 128 for "
        "soft or JPEG masks with values from 0 to 255; by default, values are classes (segmentation only).",
    )

    @property
    def by_image(self) -> bool:
        """Whether the split ignores patients and copies, so both sides may hold images of one patient."""
        return self.split == "random" or (self.split == "k-fold" and not self.grouped_folds)

    @field_validator("groups")
    @classmethod
    def _groups_are_a_rule(cls, value: str) -> str:
        try:
            parse_rule(value)
        except ConfigError as error:
            raise ValueError(str(error).removeprefix("data.groups: ").removesuffix(".")) from error
        return value

    @model_validator(mode="after")
    def _fold_exists(self) -> DataConfig:
        if self.fold >= self.folds:
            raise ValueError(
                f"fold {self.fold} does not exist among {self.folds} folds, allowed: 0 to {self.folds - 1}"
            )
        return self


class PreparationConfig(Section):
    """How a scan becomes the array that a model receives; the same for training and diagnosis."""

    size: int = Field(224, ge=32, le=1024, multiple_of=8, description="Side of the prepared image, in pixels.")
    crop: bool = Field(True, description="Crop the empty border around the head.")
    denoise: Literal["none", "median", "non-local-means"] = Field("none", description="Noise reduction.")
    contrast: Literal["none", "clahe", "stretch"] = Field(
        "none",
        description="clahe: local histogram equalisation; stretch: 1st to 99th percentile stretched to the full range.",
    )
    resize: Literal["pad", "squash"] = Field("pad", description="pad keeps the proportions; squash fills the square.")
    normalise: Literal["imagenet", "per-image"] = Field(
        "imagenet", description="Mean and standard deviation used to normalise: those of ImageNet, or of each image."
    )


class ModelConfig(Section):
    """The network and its initial weights."""

    arch: Architecture = Field("resnet34", description="ResNet body; resnet18 is for quick runs.")
    weights: str = Field(
        "imagenet",
        min_length=1,
        description="imagenet, none (random), run:<id> (warm start), or a .safetensors or .pth file.",
    )
    head: Literal["concat-pool", "logistic", "svm"] = Field(
        "concat-pool",
        description="concat-pool: fastai-style head, fine-tuned; logistic or svm: instant baseline on a frozen body.",
    )
    stages: tuple[Annotated[int, Field(ge=1, le=4, strict=True)], ...] | None = Field(
        None,
        description="Residual stages whose feature maps are pooled into the head, e.g. [2, 3]; the body ends at the "
        "last one. Default: the last stage in the weights, or the last two for an instant baseline; 4 for random "
        "weights.",
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="Dropout before the last layer; half as much after pooling.")
    regularisation: float = Field(
        0.01, gt=0, le=1e4, description="Inverse regularisation strength C of an instant baseline."
    )
    self_attention: bool = Field(False, description="Self-attention within the U-Net's decoder (segmentation only).")
    bottleneck: bool = Field(
        False,
        description="Use half the channels in the U-Net's last layers, which process every pixel: a fifth faster "
        "(segmentation only).",
    )

    @property
    def fine_tuned(self) -> bool:
        """Whether the network is fine-tuned; an instant baseline only fits a linear classifier to frozen features."""
        return self.head == "concat-pool"

    @model_validator(mode="after")
    def _stages_ascend(self) -> ModelConfig:
        if self.stages is not None and (not self.stages or list(self.stages) != sorted(set(self.stages))):
            raise ValueError(f"stages {list(self.stages)} is not allowed: name each stage once, in ascending order")
        return self


class AugmentationConfig(Section):
    """Random changes to the training images, different for every image and epoch."""

    rotate: float = Field(10.0, ge=0, le=180, description="Largest rotation, in degrees.")
    translate: float = Field(0.05, ge=0, le=0.5, description="Largest shift, as a fraction of the width.")
    scale: float = Field(0.1, ge=0, lt=1, description="Largest relative change of size.")
    flip: bool = Field(True, description="Mirror left and right.")
    brightness: float = Field(0.2, ge=0, lt=1, description="Largest relative change of brightness.")
    contrast: float = Field(0.2, ge=0, lt=1, description="Largest relative change of contrast.")


class TrainingConfig(Section):
    """How the network is trained."""

    epochs: int = Field(15, ge=0, le=1000, description="Epochs in which the whole network learns.")
    frozen_epochs: int = Field(1, ge=0, le=1000, description="First epochs, in which only new layers learn.")
    batch_size: int = Field(32, ge=2, le=1024, description="Images per step.")
    learning_rate: Literal["valley"] | Annotated[float, Field(gt=0, le=10, strict=True)] = Field(
        "valley", description="valley: the suggestion of the learning-rate finder; or a number."
    )
    finder_steps: int = Field(80, ge=20, le=1000, description="Most mini-batches that the learning-rate finder uses.")
    body_lr_ratio: float = Field(
        0.05, gt=0, le=1, description="Learning rate of the first pretrained layers, relative to the head's."
    )
    optimiser: Literal["adam", "radam", "sgd"] = Field("adam", description="adam is Adam with decoupled weight decay.")
    weight_decay: float = Field(0.01, ge=0, le=1, description="Weight decay.")
    clip_norm: float = Field(1.0, ge=0, description="Largest gradient norm; 0 turns clipping off.")
    loss: Literal["auto", "cross-entropy", "dice", "focal", "cross-entropy+dice"] = Field(
        "auto",
        description="auto: cross-entropy for classification, cross-entropy+dice for segmentation; the others are only "
        "for segmentation.",
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Fraction of each label that is distributed equally over all classes."
    )
    mixup: float = Field(0.0, ge=0, le=10, description="Alpha of mixup; 0 turns it off.")
    balance: Literal["none", "weights", "sampling"] = Field(
        "none",
        description="Against class imbalance. weights: class weights in the loss; sampling: rare classes are sampled "
        "more often.",
    )
    patience: int = Field(
        0, ge=0, description="Stop after this many epochs without a lower validation loss; 0: never stop early."
    )
    keep: Literal["last", "best"] = Field(
        "last", description="Epoch stored in the bundle: the last, or the one with the lowest validation loss."
    )
    seed: int = Field(42, ge=0, lt=2**32, description="Seed of new weights, batches and augmentation.")
    augmentation: AugmentationConfig = AugmentationConfig()

    @model_validator(mode="after")
    def _some_epoch(self) -> TrainingConfig:
        if self.epochs + self.frozen_epochs == 0:
            raise ValueError("epochs 0 with frozen_epochs 0 trains nothing, allowed: a sum of at least 1")
        return self


class EvaluationConfig(Section):
    """How a model is evaluated."""

    empty_masks: Literal["skip", "one"] = Field(
        "skip",
        description="Dice of a slice that has no tumour and on which the model marks nothing. skip: not counted; one: "
        "counted as 1, which makes a model that marks nothing look good (segmentation only).",
    )
    heatmap_method: HeatmapMethod = Field(
        "grad-cam",
        description="Method of the model's heatmap, unless you choose another on Diagnose or with predict "
        "(classification only).",
    )
    heatmap_layer: Literal["last", "layer1", "layer2", "layer3", "layer4"] = Field(
        "last",
        description="Residual stage for the model's heatmap: layer1 is fine and close to the image; the last stage is "
        "coarse and close to the decision (classification only).",
    )


class ComputeConfig(Section):
    """What the run may use of the machine."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto uses a GPU if there is one.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Number format while training; auto uses bf16 if the processor supports it."
    )
    threads: int = Field(0, ge=0, le=1024, description="CPU threads of the training; 0: all cores.")
    nice: int = Field(5, ge=0, le=19, description="Niceness of the training: higher gives other programs priority.")
