"""The live connection of a page, spoken as a browser does, and as a forger would."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


def drawn(client: httpx.Client, page: str, pressed: Sequence[str] = ()) -> str:
    """Return everything that the server sends for a page, as text.

    Args:
        client: Whose cookies are sent.
        page: Name of the page.
        pressed: Ids of buttons that are said to be pressed, whether or not the page has them.
    """
    client.get("/_stcore/host-config")
    client.get("/_stcore/health")
    url = str(client.base_url).rstrip("/")
    xsrf = client.cookies.get("_streamlit_xsrf") or ""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
    ask = BackMsg()
    ask.rerun_script.page_name = page
    for widget in pressed:
        state = ask.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = widget, True
    texts = []
    with connect(
        f"{url.replace('http', 'ws', 1)}/_stcore/stream",
        origin=url,
        subprotocols=["streamlit", xsrf or "none"],
        additional_headers={"Cookie": cookies} if cookies else {},
        max_size=None,
        proxy=None,
    ) as socket:
        socket.send(ask.SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(socket.recv(timeout=60))
            texts.append(str(message))
            if message.WhichOneof("type") == "script_finished":
                return "\n".join(texts)
