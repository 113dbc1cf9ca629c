from __future__ import annotations

from tests.app.conftest import crossval_template, finished_home, finished_template, segment_template

__all__ = ["crossval_template", "finished_home", "finished_template", "segment_template"]
