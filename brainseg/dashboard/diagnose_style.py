"""The little style that Diagnose has of its own."""

from __future__ import annotations

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.5rem }
[data-testid="stImage"] img { background: black }
[data-testid="stFileUploader"] section { max-height: 15rem; overflow-y: auto }
</style>"""
"""The pictures come up as far as possible, so that an answer fits on one screen."""

LARGE = """<style>
[data-testid="stMain"] :is(p, li, label, button) { font-size: 1.15rem }
[data-testid="stMain"] [data-testid="stCaptionContainer"] p { font-size: 1.05rem }
</style>"""
"""For a screen that people stand before."""
