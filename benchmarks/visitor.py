"""A visitor of the dashboard without a browser: a session over the server's WebSocket, as Streamlit's page has it."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

LARGEST = 64 * 2**20
"""Bytes of a message of the server."""


@dataclass
class Page:
    """What the server has drawn: each element by its place, as the page's protocol names it."""

    elements: dict[tuple[int, ...], Any] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """Return the texts on the page, from top to bottom."""
        kinds = ("markdown", "html", "alert", "heading")
        drawn = (self.elements[place] for place in sorted(self.elements))
        return [getattr(each, each.WhichOneof("type")).body for each in drawn if each.WhichOneof("type") in kinds]

    def images(self) -> list[str]:
        """Return the addresses of the pictures on the page, from top to bottom."""
        drawn = (self.elements[place] for place in sorted(self.elements))
        return [image.url for each in drawn if each.WhichOneof("type") == "imgs" for image in each.imgs.imgs]

    def widget(self, kind: str) -> str:
        """Return the id of the first widget of a kind.

        Raises:
            LookupError: There is none.
        """
        for place in sorted(self.elements):
            if self.elements[place].WhichOneof("type") == kind:
                found: str = getattr(self.elements[place], kind).id
                return found
        raise LookupError(f"The page has no {kind}.")


class Visitor:
    """A session on one page of a server.

    Args:
        server: Address of the server, such as http://127.0.0.1:8501.
        page: The page's name in its address.
    """

    def __init__(self, server: str, page: str) -> None:
        self.server, self.name = server, page
        self.page = Page()
        self.http = httpx.AsyncClient(base_url=server, timeout=120)
        self.session = ""
        self._socket: ClientConnection | None = None
        self._states: dict[str, Any] = {}
        self._pictures: dict[str, bytes] = {}
        self._script = self._query = ""

    async def __aenter__(self) -> Visitor:
        await self.http.get("/_stcore/health")  # brings the cookie against forged requests
        address = f"ws://{urlsplit(self.server).netloc}/_stcore/stream"
        self._socket = await connect(address, origin=self.server, subprotocols=["streamlit"], max_size=LARGEST)
        await self.run()
        return self

    async def __aexit__(self, *unused: object) -> None:
        if self._socket:
            await self._socket.close()
        await self.http.aclose()

    async def run(self) -> Page:
        """Have the page's script run, and return what it drew once it has finished."""
        message = BackMsg()
        message.rerun_script.page_name = self.name
        message.rerun_script.page_script_hash = self._script
        message.rerun_script.query_string = self._query
        message.rerun_script.widget_states.widgets.extend(self._states.values())
        await self._send(message)
        self.page = Page()
        while True:
            found = await self._receive()
            kind = found.WhichOneof("type")
            if kind == "new_session":
                self.session = found.new_session.initialize.session_id
            elif kind == "navigation":
                self._script = found.navigation.page_script_hash
            elif kind == "page_info_changed":
                self._query = found.page_info_changed.query_string
            elif kind == "delta" and found.delta.WhichOneof("type") == "new_element":
                self.page.elements[tuple(found.metadata.delta_path)] = found.delta.new_element
            elif kind == "script_finished" and found.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return self.page

    async def upload(self, name: str, data: bytes) -> None:
        """Put a file into the page's first uploader, in place of any other; the next run of the script has it.

        Raises:
            httpx.HTTPStatusError: The server refuses the file.
        """
        ask = BackMsg()
        ask.file_urls_request.request_id = uuid.uuid4().hex
        ask.file_urls_request.file_names.append(name)
        ask.file_urls_request.session_id = self.session
        await self._send(ask)
        while (answer := await self._receive()).WhichOneof("type") != "file_urls_response":
            pass
        (urls,) = answer.file_urls_response.file_urls
        done = await self.http.put(
            urls.upload_url,
            files={"file": (name, data, "image/png")},
            headers={"X-Xsrftoken": self.http.cookies.get("_streamlit_xsrf", "")},
        )
        done.raise_for_status()
        from streamlit.proto.WidgetStates_pb2 import WidgetState

        state = WidgetState(id=self.page.widget("file_uploader"))
        state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(data), file_id=urls.file_id, file_urls=urls
        )
        self._states = {state.id: state}

    async def picture(self, address: str) -> bytes:
        """Return a picture of the page; like a browser, fetch it only once."""
        if address not in self._pictures:
            self._pictures[address] = (await self.http.get(address)).raise_for_status().content
        return self._pictures[address]

    async def _send(self, message: BackMsg) -> None:
        assert self._socket
        await self._socket.send(message.SerializeToString())

    async def _receive(self) -> ForwardMsg:
        assert self._socket
        data = await asyncio.wait_for(self._socket.recv(), 300)
        found = ForwardMsg()
        found.ParseFromString(data if isinstance(data, bytes) else data.encode())
        return found
