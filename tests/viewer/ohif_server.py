"""OHIF as a static site, and the DICOMweb server beside it, under one address: what browsers need to load both.

``python tests/viewer/ohif_server.py package/dist`` serves OHIF at http://127.0.0.1:8156, with Orthanc at port 8142.
"""

from __future__ import annotations

import argparse
import http.client
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = Path(__file__).with_name("app-config.js")
PACS = "/pacs/"


class OhifHandler(SimpleHTTPRequestHandler):
    """Files of OHIF, our configuration of it, and requests to Orthanc under ``/pacs/``."""

    orthanc_port = 8142

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def do_GET(self) -> None:
        if self.path.startswith(PACS):
            self._pass_on()
        elif self.path.split("?")[0] == "/app-config.js":
            self._respond(200, "text/javascript", CONFIG.read_bytes())
        else:
            if not Path(self.translate_path(self.path)).is_file():
                self.path = "/index.html"  # a page of the application
            super().do_GET()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        """The response of Orthanc, whose own addresses are replaced by ours."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
        orthanc = http.client.HTTPConnection("127.0.0.1", self.orthanc_port, timeout=120)
        orthanc.request(self.command, "/" + self.path.removeprefix(PACS), body, headers)
        response = orthanc.getresponse()
        content, kind = response.read(), response.headers.get("Content-Type", "")
        if "json" in kind:
            host = self.headers.get("Host", "")
            ours = f"http://{host}{PACS}".encode()
            content = content.replace(f"http://127.0.0.1:{self.orthanc_port}/".encode(), ours)
            content = content.replace(f"http://localhost:{self.orthanc_port}/".encode(), ours)
        self._respond(response.status, kind, content)

    def _respond(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: addresses hold identifiers of studies."""


def ohif_server(dist: Path, port: int = 8156, orthanc_port: int = 8142) -> ThreadingHTTPServer:
    """A server for this computer alone; `serve_forever` starts it.

    Args:
        dist: folder ``package/dist`` of the npm package ``@ohif/app``.
        port: to listen at; 0 for a free one.
        orthanc_port: of Orthanc's HTTP server.
    """
    handler = type("Handler", (OhifHandler,), {"orthanc_port": orthanc_port})
    return ThreadingHTTPServer(("127.0.0.1", port), partial(handler, directory=str(dist)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path, help="folder package/dist of the npm package @ohif/app")
    parser.add_argument("--port", type=int, default=8156)
    arguments = parser.parse_args()
    if not (arguments.dist / "index.html").is_file():
        parser.error(f"{arguments.dist} holds no index.html; expected package/dist of @ohif/app")
    with ohif_server(arguments.dist, arguments.port) as server:
        print(f"OHIF: http://127.0.0.1:{arguments.port}")
        server.serve_forever()
