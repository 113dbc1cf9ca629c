"""The first page of a cold server, or its first answer, as its first visitor waits for it.

Starts the dashboard, connects as a browser does, asks for a page, and stops the clock when the server has sent all of
it. What a browser needs to draw it is not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pandas as pd
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from benchmarks.speed.side import Turns
from benchmarks.speed.timing import Timing, cpu_seconds
from brainseg.cli.server import free_port

PATIENCE = 120.0
"""Seconds until a page that does not come counts as missing."""
FIRST_PORT = 8600
FINISHED_EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN
"""The server runs the script again by itself."""


async def visit(port: int, page: str, query: str) -> None:
    """Ask for a page and wait for its end; with a query, for the end of a script that drew a plot.

    While a page waits for something, it asks the browser to run a part of it again and again; so does this.
    """
    address, protocol = f"ws://localhost:{port}/_stcore/stream", Subprotocol("streamlit")
    drawn, question, again = not query, BackMsg(), 0.0
    question.rerun_script.query_string = query
    question.rerun_script.page_name = page
    async with connect(address, subprotocols=[protocol], max_size=None) as socket:
        await socket.send(question.SerializeToString())
        async for content in socket:
            answer = ForwardMsg()
            answer.ParseFromString(content if isinstance(content, bytes) else content.encode())
            kind = answer.WhichOneof("type")
            drawn = drawn or (kind == "delta" and answer.delta.new_element.HasField("plotly_chart"))
            if kind == "navigation":
                question.rerun_script.page_script_hash = answer.navigation.page_script_hash
            elif kind == "auto_rerun":
                again = answer.auto_rerun.interval
                question.rerun_script.fragment_id = answer.auto_rerun.fragment_id
                question.rerun_script.is_auto_rerun = True
            elif kind == "script_finished" and drawn:
                return
            elif kind == "script_finished" and again and answer.script_finished != FINISHED_EARLY:
                await asyncio.sleep(again)
                await socket.send(question.SerializeToString())


def held_out_sample(home: Path) -> str:
    """Return the address of a sample that Diagnose offers for the only run of a home."""
    split = pd.read_csv(next(home.glob("runs/**/split.csv")))
    return f"sample={split.loc[split['split'] == 'valid', 'sha256'].min()[:12]}"


def wait_for(port: int) -> None:
    """Wait until the server answers."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        with contextlib.suppress(URLError, OSError), urlopen(f"http://localhost:{port}/_stcore/health", timeout=2):
            return
        time.sleep(0.02)
    raise TimeoutError(f"The dashboard did not answer at port {port}.")


def side(turns: Turns, page: str = "", sample: bool = False) -> None:
    """Start a server and visit it, a turn; its CPU time includes its end.

    Args:
        turns: The turns.
        page: Address of the page.
        sample: Whether to ask Diagnose about a sample.
    """
    query = held_out_sample(Path(os.environ["BRAINSEG_HOME"])) if sample else ""
    for _ in turns:
        port = free_port(FIRST_PORT)
        started, cpu = time.perf_counter(), cpu_seconds()
        server = subprocess.Popen([sys.executable, "-m", "brainseg", "dashboard", "--port", str(port)])
        try:
            wait_for(port)
            asyncio.run(asyncio.wait_for(visit(port, page, query), PATIENCE))
            wall = time.perf_counter() - started
        finally:
            server.terminate()
            server.wait(20)
        turns.report(Timing(wall, cpu_seconds() - cpu))
