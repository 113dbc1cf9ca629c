"""How pages look, beside what the theme says."""

from __future__ import annotations

import streamlit as st

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.5rem }
[data-testid="stImage"] img { background: black }
[data-testid="stFileUploader"] section { max-height: 15rem; overflow-y: auto }
[data-testid="stCaptionContainer"] { opacity: 1; color: light-dark(#5A6472, #A3ADBA) }
[data-testid="stCaptionContainer"] :is(p, li, strong, em) { color: inherit }
[data-testid^="stBaseButton-primary"]:not(:disabled) :is(p, span),
[data-testid="stMultiSelect"] span[title] { color: light-dark(#FFFFFF, #0B0D10) }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 3.5rem 1rem 4rem }
  [data-testid="stExpandSidebarButton"]::after { content: "Menu"; padding-left: .25rem; font-size: 1rem }
  [data-testid="stMain"] h1 { font-size: 2rem }
  [data-testid="stColumn"]:has(> div [data-testid="stMetric"]) { min-width: calc(50% - 1rem) }
  [data-testid="stElementContainer"]:has([data-testid="stPlotlyChart"]) { overflow-x: auto }
  [data-testid="stFullScreenFrame"]:has([data-testid="stPlotlyChart"]) { min-width: 34rem }
  [class*="st-key-fits-"] [data-testid="stFullScreenFrame"]:has([data-testid="stPlotlyChart"]) { min-width: 0 }
}
[class*="st-key-live-"] [data-stale="true"] { opacity: 1 !important; transition: none !important }
</style>"""
"""The content starts high on the page to fit on one screen. Captions have the theme's muted colour with a contrast of
4.5:1 on both backgrounds. On a phone the margins shrink, the menu has a label, and a plot keeps its width and scrolls,
unless it is laid out for any width. Parts that update every two seconds do not fade during an update."""

SCHEME = "<style>:root {{ color-scheme: {} }}</style>"
"""Which colour `light-dark` takes. Streamlit says so for its app alone, and popovers lie outside of it."""

LARGE = """<style>
html { font-size: 19px !important }
[data-testid="stMain"] h2 { font-size: 2.6rem }
</style>"""
"""For a screen in a public place: everything measured in rem grows, including tables and tags."""


def draw_style(*, large: bool) -> None:
    """Send the style to the browser; `large` is for a screen in a public place."""
    st.html(STYLE + SCHEME.format("dark" if dark() else "light") + (LARGE if large else ""))


def dark() -> bool:
    """Return whether the visitor's theme is dark, for plots."""
    return st.context.theme.type == "dark"
