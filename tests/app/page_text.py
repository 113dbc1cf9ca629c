"""What tests read on a page: texts without the marks of Markdown, icons, and the messages that errors become."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from brainseg.app.messages import on_page
from brainseg.diagnosis.doubts import empty_heatmap
from brainseg.diagnosis.methods import METHODS
from brainseg.errors import BrainsegError


def plain(elements: Iterable) -> list[str]:
    """Return the texts of elements without the backslashes that keep names from being read as Markdown."""
    return [str(element.value).replace("\\", "") for element in elements]


def icons(elements: Iterable) -> list[str]:
    """Return the icons of messages."""
    return [element.icon for element in elements]


def message(call: Callable, *args: object, **kwargs: object) -> str:
    """Return the message of the error that a call raises, as pages show it."""
    with pytest.raises(BrainsegError) as found:
        call(*args, **kwargs)
    return on_page(found.value)


def empty_heatmaps(app: AppTest) -> int:
    """Return how many captions are the sentence for an empty heatmap of the classes no or yes."""
    blank = np.zeros((1, 1))
    sentences = {
        empty_heatmap(SimpleNamespace(heatmap=blank, method=method, explained=name))
        for method in METHODS
        for name in ("no", "yes")
    }
    return sum(text in sentences for text in plain(app.caption))
