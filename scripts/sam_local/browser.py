"""A browser with the app open, as far as the API sees one."""

import json
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any

from .sam import ORIGIN

# A container may have to be made and started first.
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """An answer of the API."""

    status: int
    headers: Message
    body: Any

    def cookies(self) -> dict[str, str]:
        """The cookies that it sets; a cleared one is empty."""
        jar = SimpleCookie()
        for header in self.headers.get_all("set-cookie", []):
            jar.load(header)
        return {name: cookie.value for name, cookie in jar.items()}


class Browser:
    """Keeps cookies and the access token, as the client does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cookies: dict[str, str] = {}
        self.access_token: str | None = None

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Sends a request with what is kept, and keeps nothing of the answer: it may be lost."""
        sent = {"Origin": ORIGIN, "X-Session-Client": "1"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.access_token:
            sent["Authorization"] = f"Bearer {self.access_token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection = HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read()
            # The gateway's own answers are not all JSON.
            is_json = "json" in answer.headers.get("content-type", "")
            return Answer(answer.status, answer.headers, json.loads(text) if is_json and text else None)
        finally:
            connection.close()

    def keep(self, answer: Answer) -> None:
        """Takes the tokens of an answer that arrived."""
        for name, value in answer.cookies().items():
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        if isinstance(answer.body, dict) and "accessToken" in answer.body:
            self.access_token = answer.body["accessToken"]
