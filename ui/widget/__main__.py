"""The demo site on an origin of its own: ``python -m ui.widget --service http://127.0.0.1:7860``.

So a site's owner sees what the widget needs: an entry in ``FINEPRINT_ALLOWED_ORIGINS``, and two sources in a strict
Content-Security-Policy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from ui.widget import DEMO_FILES, KINDS, SCRIPT

__all__ = ["demo_server", "strict_policy"]


def strict_policy(service: str) -> str:
    """The Content-Security-Policy of the demo site: only its own files, and the widget of a service."""
    return (
        f"default-src 'none'; script-src 'self' {service}; connect-src {service}; style-src 'self'; "
        "require-trusted-types-for 'script'; base-uri 'none'; form-action 'none'"
    )


def demo_server(port: int, service: Callable[[], str]) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 that serves the demo site with the widget of a service.

    Args:
        port: 0 takes any free one.
        service: the origin of the service; asked at each request.
    """

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = DEMO_FILES.get(urlsplit(self.path).path.removeprefix("/") or "index.html")
            if path is None:
                self.send_error(404)
                return
            body = path.read_text(encoding="utf-8").replace(f'src="{SCRIPT}"', f'src="{service()}{SCRIPT}"').encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{KINDS[path.suffix]}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", strict_policy(service()))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing: a demo needs no access log."""

    return ThreadingHTTPServer(("127.0.0.1", port), Site)


def main() -> None:
    """Serves the demo until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m ui.widget", description="The demo site on an origin of its own.")
    parser.add_argument("--service", default="http://127.0.0.1:7860", help="where fineprint listens")
    parser.add_argument("--port", type=int, default=8080, help="where the demo site listens")
    arguments = parser.parse_args()
    server = demo_server(arguments.port, lambda: arguments.service.rstrip("/"))
    origin = f"http://127.0.0.1:{server.server_port}"
    print(
        f"The demo site is at {origin}/. Start the service with FINEPRINT_ALLOWED_ORIGINS='{origin}=perriconemd.com'."
    )
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
