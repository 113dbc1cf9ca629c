"""The sections of `RunConfig`: every setting, with its bounds, its default and its meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
HeatmapMethod = Literal[
    "grad-cam",
    "layer-cam",
    "smooth-layer-cam",
    "hires-cam",
    "grad-cam-flips",
    "layer-cam-stages",
    "layer-cam-stages-flips",
    "grad-cam++",
    "eigen-cam",
    "score-cam",
]


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
    head: Literal["concat-pool", "local", "logistic", "svm"] = Field(
        "concat-pool",
        description="concat-pool: fastai-style head, fine-tuned; local: also fine-tuned, scores every position of the "
        "feature maps, so that its heatmaps are sharper; logistic or svm: instant baseline on a frozen body.",
    )
    stages: tuple[Annotated[int, Field(ge=1, le=4, strict=True)], ...] | None = Field(
        None,
        description="Residual stages whose feature maps are pooled into the head, e.g. [2, 3]; the body ends at the "
        "last one. Default: the last stage in the weights for concat-pool, the last two for other heads; 4 for "
        "random weights.",
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
        return self.head in ("concat-pool", "local")

    @property
    def own_stages(self) -> int:
        """Return the number of last stages in the weights whose maps the head uses unless `stages` names them."""
        return 1 if self.head == "concat-pool" else 2

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
        "coarse and close to the decision. For a method that averages over stages, the first of them; last: the last "
        "three (classification only).",
    )


class ComputeConfig(Section):
    """What the run may use of the machine."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto uses a GPU if there is one.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Number format while training; auto uses bf16 if the processor supports it."
    )
    threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="CPU threads of the training; 0: as many as other programs leave cores free, chosen while it runs.",
    )
    compile: bool = Field(
        False,
        description="Compile training steps with torch.compile, for long trainings on a GPU; needs a C++ compiler.",
    )
    export: Literal["auto", "none", "onnx", "openvino"] = Field(
        "auto",
        description="File of the model for a faster runtime, made at the end of the training and compared with torch; "
        "auto: for OpenVINO or ONNX Runtime, whichever is installed, except for folds of a cross-validation; none: no "
        "file, and answers come from torch.",
    )
    nice: int = Field(5, ge=0, le=19, description="Niceness of the training: higher gives other programs priority.")
