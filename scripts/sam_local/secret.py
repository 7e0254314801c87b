"""Secrets Manager, as far as the functions ask it."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class SecretsManager:
    """Keeps one master secret, made for this run."""

    def __init__(self, host: str) -> None:
        self._host = host
        # The secret that the recorded rotation is about.
        self.arn: str = json.loads(Path("events/rotate-secret/set.json").read_text())["SecretId"]
        self.value = json.dumps({"previous": [], "current": secrets.token_urlsafe(48)})

    @contextmanager
    def served(self) -> Iterator[str]:
        """Answers GetSecretValue; at which address."""
        value = self.value

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                known = self.headers["x-amz-target"] == "secretsmanager.GetSecretValue"
                version = {"VersionId": "1", "CreatedDate": 0.0, "SecretString": value}
                answer = {"ARN": asked["SecretId"], "Name": "MasterSecret", **version} if known else {}
                body = json.dumps(answer).encode()
                self.send_response(200 if known else 400)
                self.send_header("content-type", "application/x-amz-json-1.1")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Says nothing: the functions report what they could not read."""

        server = ThreadingHTTPServer((self._host, 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{self._host}:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
