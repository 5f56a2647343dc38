"""A browser tab without a browser: speaks Streamlit's protocol over a WebSocket.

Source: Streamlit's own messages (`streamlit.proto`, ForwardMsg and BackMsg) and what its page sends
in answer to a click. Messages come whole, since no hash of an earlier one is ever named as known.
"""

from __future__ import annotations

import asyncio
import html
import http.client
import http.cookies
import json
import random
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

import websockets
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

TIMEOUT = 30.0
_HTML = {"Accept": "text/html", "Accept-Language": "en-US"}
# What a widget's value is called on the way to the server.
_VALUES = {
    "button": "trigger_value",
    "button_group": "string_array_value",
    "multiselect": "string_array_value",
    "selectbox": "string_value",
    "slider": "double_array_value",
    "text_input": "string_value",
}
Proto = Any  # a widget's message; each kind has its own class


@dataclass(frozen=True)
class Drawn:
    """Result of one run of the script.

    Attributes:
        seconds: from the request to the end of the run.
        problems: what stands in boxes for errors and in toasts, and exceptions.
        messages: that the server sent.
        size: of these, in bytes.
    """

    seconds: float
    problems: tuple[str, ...]
    messages: int = 0
    size: int = 0


class Tab:
    """One session of the app: asks for runs, and knows the page that came of the last one.

    Args:
        address: where it says that it comes from, as a proxy would; empty for nothing.

    Attributes:
        pages: what the navigation offers, from the path of a page to its hash.
        path: the page that is shown.
    """

    def __init__(self, port: int, address: str = "") -> None:
        self._port = port
        self._from = {"X-Forwarded-For": address} if address else {}
        self._cookies: http.cookies.SimpleCookie = http.cookies.SimpleCookie()
        self._elements: dict[tuple[int, ...], Element] = {}
        self._fragments: dict[tuple[int, ...], str] = {}  # of which the element is part
        self._states: dict[str, WidgetState] = {}
        self._query = self._session = ""
        self._socket: Any = None
        self._messages = self._size = 0  # of the last run
        self._refreshed: dict[str, float] = {}  # seconds between its runs, by fragment
        self.pages: dict[str, str] = {}
        self.path = ""

    async def open(self, path: str = "") -> Drawn:
        """Load the page at `path` and connect, as a browser does with a typed address."""
        started = time.perf_counter()
        self.path = path
        for address in (f"/{path}", "/_stcore/health"):
            await asyncio.to_thread(self._http, "GET", address, _HTML)
        await self._connect()
        return await self._run(started)

    async def reconnect(self) -> Drawn:
        """Find a server again when the connection is gone, and have the page drawn anew.

        As the page does: it asks whether anybody answers, after pauses that grow from 0.25 to 4
        seconds, and says which session it had.
        """
        started = time.perf_counter()
        pause = random.uniform(0.25, 0.5)
        while True:
            await asyncio.sleep(pause)
            try:
                for address in ("/_stcore/health", "/_stcore/host-config"):
                    await asyncio.to_thread(self._http, "GET", address, {})
                await self._connect()
                return await self._run(started)
            except (OSError, websockets.WebSocketException):
                if time.perf_counter() - started > TIMEOUT:
                    raise
                pause = min(4.0, 2 * pause)

    async def watch(self, seconds: float) -> bool:
        """Look at the page for so long; True as soon as its connection is gone."""
        try:
            await asyncio.wait_for(self._socket.wait_closed(), seconds)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Close the tab, if it is open."""
        if self._socket is not None:
            await self._socket.close()

    async def go(self, path: str, query: str = "") -> Drawn:
        """Click a link to another page."""
        self.path, self._query = path, query
        return await self._run(time.perf_counter())

    async def set(self, widget: Proto, kind: str, value: object) -> Drawn:
        """Use a widget: `value` is what its kind takes (button: True, slider: floats, …)."""
        started = time.perf_counter()
        state = _state(widget.id, kind, value)
        if key := getattr(widget, "query_param_key", ""):
            self._show_in_address(key, widget, value)
        fragment = self._fragment_of(widget)
        if kind == "button":  # a click does not last
            return await self._run(started, state, fragment)
        self._states[widget.id] = state
        return await self._run(started, fragment=fragment)

    async def click(self, action: str, movie: str, value: str = "") -> Drawn:
        """Click a button of a movie in one of the page's lists."""
        (field,) = self.widgets("text_input", "clicks")
        clicks = json.dumps([[secrets.token_hex(4), action, movie, value]])
        return await self.set(field, "text_input", clicks)

    def offered(self, action: str = "rate") -> list[str]:
        """The movies that the lists have such a button for, in order."""
        found = re.findall(rf'data-act="{action}" data-movie="(.*?)"', self.html())
        return list(dict.fromkeys(map(html.unescape, found)))

    def cards(self) -> list[str]:
        """The movies of the cards with a row of buttons, in order."""
        found = re.findall(r'mt-acts" data-movie="(.*?)"', self.html())
        return list(map(html.unescape, found))

    def html(self) -> str:
        """The page's own HTML."""
        return " ".join(element.body for element in self.all("html"))

    async def upload(self, widget: Proto, name: str, data: bytes) -> Drawn:
        """Drop a file onto an uploader."""
        started = time.perf_counter()
        urls = await self.put_unused(name, data)
        state = WidgetState(id=widget.id)
        info = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=len(data))
        info.file_id = urls.file_id
        info.file_urls.CopyFrom(urls)
        self._states[widget.id] = state
        return await self._run(started, fragment=self._fragment_of(widget))

    async def put_unused(self, name: str, data: bytes) -> FileURLs:
        """Bring a file to the server and tell no widget of it; returns where it is."""
        urls = await self.file_urls(name)
        async with asyncio.timeout(TIMEOUT):
            await asyncio.to_thread(self._put, urls, name, data)
        return urls

    async def file_urls(self, name: str) -> FileURLs:
        """Ask where a file may be brought to."""
        ask = BackMsg()
        ask.file_urls_request.request_id = secrets.token_hex(8)
        ask.file_urls_request.session_id = self._session
        ask.file_urls_request.file_names.append(name)
        async with asyncio.timeout(TIMEOUT):
            answer = await self._ask(ask, "file_urls_response")
        return answer.file_urls_response.file_urls[0]

    async def download(self, widget: Proto) -> bytes:
        """Click a download button; returns the file."""
        async with asyncio.timeout(TIMEOUT):
            return await asyncio.to_thread(self._http, "GET", widget.url, {})

    async def wait(self, seconds: float) -> list[Drawn]:
        """Look at the page; what draws itself anew on a timer does so meanwhile."""
        end, drawn = time.perf_counter() + seconds, []
        while self._refreshed:
            fragment, interval = min(self._refreshed.items(), key=lambda item: item[1])
            if time.perf_counter() + interval > end:
                break
            await asyncio.sleep(interval)
            drawn.append(await self._run(time.perf_counter(), fragment=fragment, timer=True))
        await asyncio.sleep(max(0.0, end - time.perf_counter()))
        return drawn

    def cookie(self, name: str) -> str:
        """The value of a cookie that the server has given."""
        return self._cookies[name].value

    def all(self, kind: str) -> list[Proto]:
        """All elements of a kind on the page, from top to bottom."""
        found = sorted(self._elements.items(), key=lambda item: item[0])
        return [getattr(e, kind) for _, e in found if e.WhichOneof("type") == kind]

    def widgets(self, kind: str, key: str) -> list[Proto]:
        """The widgets of a kind with the `key` that the app's source gives them: one, or none."""
        return [widget for widget in self.all(kind) if widget.id.endswith(f"-{key}")]

    async def _run(
        self,
        started: float,
        click: WidgetState | None = None,
        fragment: str = "",
        *,
        timer: bool = False,
    ) -> Drawn:
        ask = BackMsg()
        state = ask.rerun_script
        state.query_string, state.fragment_id = self._query, fragment
        state.page_script_hash = self.pages.get(self.path, "")
        state.page_name = "" if self.pages else self.path
        state.is_auto_rerun = timer
        state.context_info.locale, state.context_info.timezone = "en-US", "UTC"
        state.context_info.url = f"http://127.0.0.1:{self._port}/{self.path}"
        state.widget_states.widgets.extend(self._states.values())
        if click is not None:
            state.widget_states.widgets.append(click)
        self._messages = self._size = 0
        async with asyncio.timeout(TIMEOUT):
            await self._ask(ask, "script_finished")
        self._keep_states()
        seconds = time.perf_counter() - started
        return Drawn(seconds, tuple(self._problems()), self._messages, self._size)

    async def _ask(self, ask: BackMsg, answer: str) -> ForwardMsg:
        """Send `ask` and take in what comes, up to the message of type `answer`."""
        await self._socket.send(ask.SerializeToString())
        while True:
            message, content = ForwardMsg(), await self._socket.recv(decode=False)
            message.ParseFromString(content)
            self._messages, self._size = self._messages + 1, self._size + len(content)
            kind = message.WhichOneof("type")
            self._take_in(kind, message)
            early = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
            if kind == answer and not (kind == "script_finished" and early):
                return message

    def _take_in(self, kind: str | None, message: ForwardMsg) -> None:
        if kind == "delta":
            place = tuple(message.metadata.delta_path)
            self._elements.pop(place, None)
            if message.delta.WhichOneof("type") == "new_element":
                self._elements[place] = message.delta.new_element
                self._fragments[place] = message.delta.fragment_id
        elif kind == "new_session":
            self._session = message.new_session.initialize.session_id
            drawn_anew = message.metadata.run.fragment_ids
            if not drawn_anew:
                self._refreshed.clear()
            self._elements = {
                place: element
                for place, element in self._elements.items()
                if drawn_anew and self._fragments[place] not in drawn_anew
            }
        elif kind == "navigation":
            self.pages = {
                page.url_pathname: page.page_script_hash for page in message.navigation.app_pages
            }
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._refreshed[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._refreshed.pop(fragment, None)

    async def _connect(self) -> None:
        token = self._cookies["_streamlit_xsrf"].value
        said = ("streamlit", token, *filter(None, [self._session]))
        self._socket = await websockets.connect(
            f"ws://127.0.0.1:{self._port}/_stcore/stream",
            origin=websockets.Origin(f"http://127.0.0.1:{self._port}"),
            subprotocols=[websockets.Subprotocol(word) for word in said],
            additional_headers={"Cookie": self.cookie_header(), **self._from},
            max_size=None,
            open_timeout=TIMEOUT,
        )

    def _keep_states(self) -> None:
        """Forget the state of widgets that have gone, or that the server has set itself."""
        present = {widget.id: widget for widget in self._all_widgets()}
        self._states = {
            key: state
            for key, state in self._states.items()
            if key in present and not getattr(present[key], "set_value", False)
        }

    def _fragment_of(self, widget: Proto) -> str:
        """Return the fragment that a use of `widget` draws anew; empty for the whole page."""
        for place, element in self._elements.items():
            kind = element.WhichOneof("type") or ""
            if getattr(getattr(element, kind, None), "id", "") == widget.id:
                return self._fragments[place]
        return ""

    def _all_widgets(self) -> Iterator[Proto]:
        for element in self._elements.values():
            widget = getattr(element, element.WhichOneof("type") or "", None)
            if getattr(widget, "id", ""):
                yield widget

    def _problems(self) -> Iterator[str]:
        yield from (box.body for box in self.all("alert") if box.format == Alert.ERROR)
        yield from (toast.body for toast in self.all("toast"))
        yield from (f"{error.type}: {error.message}" for error in self.all("exception"))

    def _show_in_address(self, key: str, widget: Proto, value: object) -> None:
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        query = parse_qs(self._query)
        query.pop(key, None)
        if values != list(getattr(widget, "default", ()) or ()):
            query[key] = [f"{v:g}" if isinstance(v, float) else str(v) for v in values]
        self._query = urlencode(query, doseq=True)

    def cookie_header(self) -> str:
        """The cookies of this tab, as a request names them."""
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())

    def _put(self, urls: FileURLs, name: str, data: bytes) -> None:
        border = secrets.token_hex(16)
        head = (
            f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
            "Content-Type: text/csv\r\n\r\n"
        )
        body = head.encode() + data + f"\r\n--{border}--\r\n".encode()
        self._http("PUT", urls.upload_url, self.upload_headers(border), body)

    def upload_headers(self, border: str) -> dict[str, str]:
        """The headers of a file on its way, whose parts have `border` between them."""
        return {
            "Content-Type": f"multipart/form-data; boundary={border}",
            "X-Xsrftoken": self._cookies["_streamlit_xsrf"].value,
        }

    def _http(
        self, method: str, address: str, headers: dict[str, str], body: bytes | None = None
    ) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            cookie = {"Cookie": self.cookie_header()} if self._cookies else {}
            connection.request(method, address, body, {**headers, **cookie, **self._from})
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or []:
                self._cookies.load(line)
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise ConnectionError(f"{method} {address}: {answer.status} {answer.reason}")
        return content


def _state(widget_id: str, kind: str, value: object) -> WidgetState:
    state, name = WidgetState(id=widget_id), _VALUES[kind]
    if isinstance(value, (list, tuple)):
        getattr(state, name).data.extend(value)
        getattr(state, name).SetInParent()
    else:
        setattr(state, name, value)
    return state
