from __future__ import annotations

from tests.app.conftest import finished_home, finished_template

__all__ = ["finished_home", "finished_template"]
