"""A proportion of images with its interval, as bundles hold it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from brainseg.models.validation import Interval


class Proportion(BaseModel):
    """A proportion of held-out images.

    Attributes:
        hits: Images for which it holds.
        count: Images.
        interval: Its 95 % interval; None without images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    hits: int = Field(ge=0)
    count: int = Field(ge=0)
    interval: Interval = None
