"""A limit on the number of files of an uploader: the browser refuses too many before it sends any."""

from __future__ import annotations

import json

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

SCRIPT = """
<p id="refused-KEY" role="alert" hidden></p>
<script>
(() => {
  const limits = (window.brainsegLimits ||= {});
  const first = !Object.keys(limits).length;
  limits["KEY"] = LIMIT;
  if (!first) return;
  const refuse = (event, files) => {
    const place = event.target.closest?.('[data-testid="stFileUploader"]')?.closest('[class*="st-key-"]');
    const key = [...(place?.classList ?? [])].map((name) => name.replace("st-key-", "")).find((name) => name in limits);
    if (!key) return;
    const message = document.getElementById(`refused-${key}`);
    const many = files.length > limits[key].most;
    if (message) {
      message.hidden = !many;
      message.textContent = many ? limits[key].words.replace("COUNT", files.length.toLocaleString("en")) : "";
    }
    if (!many) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.target.type === "file") event.target.value = "";
  };
  // Runs before the page's own listeners, which would send the files one by one.
  document.addEventListener("change", (event) => refuse(event, event.target.files ?? []), true);
  document.addEventListener("drop", (event) => refuse(event, event.dataTransfer?.files ?? []), true);
})();
</script>
"""


def refuse_many(key: str, most: int, instead: str) -> DeltaGenerator:
    """Let the browser refuse too many files before it sends any, and return the place to draw the uploader in.

    The place lies above the message, but is filled after it: the browser knows the limit before it shows the uploader.

    A dropped folder counts as one file, since a browser does not list its content at once: the page that receives the
    files counts them again.

    Args:
        key: Key of the uploader.
        most: Most files that are accepted at a time.
        instead: What to do with more files, without a full stop.
    """
    words = f"COUNT files are more than the {most:,} that can be uploaded at a time: {instead}."
    limit = json.dumps({"most": most, "words": words}).replace("<", "\\u003c")
    place = st.container()
    st.html(SCRIPT.replace("KEY", key).replace("LIMIT", limit), unsafe_allow_javascript=True)
    return place
