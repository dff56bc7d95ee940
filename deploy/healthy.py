"""Ends with 0 if an address answers with 200 within three seconds: for health checks where there is no curl."""

import http.client
import sys
from urllib.parse import urlsplit

try:
    url = urlsplit(sys.argv[1])
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=3)
    connection.request("GET", url.path or "/")
    status = connection.getresponse().status
except OSError as exc:
    sys.exit(f"{type(exc).__name__}: {exc}")
sys.exit(0 if status == 200 else f"HTTP {status}")
