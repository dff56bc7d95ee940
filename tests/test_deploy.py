"""What is shipped for running the service is held together with the project, and nginx run before two upstreams."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from qa.settings import PREFIX, Settings
from tests.chroma import free_port

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
UNIT = (DEPLOY / "fineprint.service").read_text(encoding="utf-8")
PINS = dict(
    line.split("==") for line in (DEPLOY / "requirements.txt").read_text().splitlines() if line and line[0] != "#"
)
LEFT_OUT = {"torch", "sentence-transformers"}
REPLICAS = ("fineprint-1", "fineprint-2")
DRAIN_S = Settings().drain_s


# --- the image --------------------------------------------------------------------------------------------------------


def test_the_image_has_a_fitting_version_of_everything_that_the_project_asks_for_but_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    papers = [each for extra in ("pdf", "docx") for each in project["optional-dependencies"][extra]]
    asked = {canonicalize_name(each.name): each for each in map(Requirement, [*project["dependencies"], *papers])}
    assert asked.keys() - PINS.keys() == LEFT_OUT
    assert [name for name, each in asked.items() if name in PINS and not each.specifier.contains(PINS[name])] == []
    assert not {"torch", "transformers", "sentence-transformers"} & PINS.keys()


def test_without_sentence_transformers_large_jobs_are_encoded_all_the_same(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['sentence_transformers'] = None\n"
        "import importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'sentence_transformers' else found(name, *rest)\n"
        "from pathlib import Path; from qa.encoders import BundledEncoder\n"
        f"vectors = BundledEncoder(Path({str(tmp_path)!r}), bulk_from_chars=1).encode_texts(['We sell data.'])\n"
        "print(vectors.shape, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 384) False"


def test_the_image_is_pinned_runs_as_nobody_and_says_how_it_is() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert len(stages) == 2
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", stage) for stage in stages)
    final = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER \d{4,}:\d{4,}$", final, re.M)
    assert "STOPSIGNAL SIGTERM" in final
    assert "/readyz" in final
    assert not re.search(r"apt-get|curl|pip install|ADD |:latest", final)
    assert "://" not in re.sub(r"http://127\.0\.0\.1:\d+", "", DOCKERFILE)  # no host is named


def test_what_the_image_copies_is_let_through_and_nothing_secret_is() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M))
    named = {name for names in copied for name in names.split()}
    assert named <= let_through
    assert all((ROOT / name).exists() for name in named)
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


@pytest.mark.parametrize(("status", "ends"), [(200, 0), (503, 1)])
def test_the_health_check_ends_with_what_it_is_told(status: int, ends: int) -> None:
    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/readyz"
        done = subprocess.run([sys.executable, DEPLOY / "healthy.py", address], capture_output=True, check=False)
        server.shutdown()
    assert done.returncode == ends


# --- compose ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_no_container_can_write_its_root_gain_rights_or_take_the_machine(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] != "0"
    assert {"mem_limit", "cpus", "pids_limit", "networks", "logging"} <= service.keys()
    assert "privileged" not in service
    assert not re.search(r":latest$|^[^:]+$", service["image"])


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["nginx"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert COMPOSE["services"]["nginx"]["ports"] == ["${FINEPRINT_LISTEN:-127.0.0.1:8080}:8080"]


def test_replicas_and_proxy_are_given_longer_than_the_service_drains() -> None:
    grace = [int(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s")) for name in (*REPLICAS, "nginx")]
    stop = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)
    assert stop
    assert min(*grace, int(stop[1])) > DRAIN_S


def test_every_setting_named_for_running_it_exists() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {
        # compose's own
        *("FINEPRINT_IMAGE", "FINEPRINT_POLICIES", "FINEPRINT_LISTEN"),
    }
    files = [ROOT / "compose.yaml", ROOT / "Dockerfile", ROOT / "docs/deploy.md", *DEPLOY.glob("*.*")]
    named = {name for file in files for name in re.findall(r"FINEPRINT_[A-Z_]*[A-Z]", file.read_text(encoding="utf-8"))}
    assert named <= known


def test_replicas_believe_the_proxys_network_and_share_index_and_chroma() -> None:
    subnet = COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    for name in REPLICAS:
        service = COMPOSE["services"][name]
        assert service["environment"]["FINEPRINT_TRUSTED_PROXIES"] == subnet
        assert service["environment"]["FINEPRINT_CHROMA_URL"] == "http://chroma:8000"
        assert "index:/var/lib/fineprint" in service["volumes"]
        assert f"server {name}:7860" in (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert COMPOSE["services"]["chroma"]["image"] == COMPOSE["services"]["ingest"]["image"]


# --- nginx ------------------------------------------------------------------------------------------------------------


class Replica(ThreadingHTTPServer):
    """Stands for one process of the service: says who it is and what it was sent.

    Attributes:
        taken: released when an event of a stream has come; the next one is sent only then.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Told)
        self.draining = False
        self.gone = False
        self.requests = 0
        self.taken = threading.Semaphore(1)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def end(self) -> None:
        self.gone = True
        self.shutdown()
        self.server_close()


class Told(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Replica

    def do_GET(self) -> None:
        self.server.requests += 1
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.server.gone:  # a connection that nginx kept
            self.close_connection = True
            return None
        if self.server.draining:
            return self.say(503, {"code": "draining"})
        if self.path == "/api/v1/ask/stream":
            return self.drip()
        return self.say(200, {"port": self.server.server_port, **{k.lower(): v for k, v in self.headers.items()}})

    def do_POST(self) -> None:
        self.do_GET()

    def say(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for n in range(3):
            self.server.taken.acquire(timeout=60)
            self.wfile.write(f"event: token\ndata: {n}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Proxied:
    """nginx as shipped, before two replicas."""

    def __init__(self, port: int, replicas: tuple[Replica, Replica], log: Path, errors: Path) -> None:
        self.port = port
        self.replicas = replicas
        self.log = log
        self.errors = errors

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        return self.send("GET", path, **headers)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            content = response.read()
            said = json.loads(content) if content.startswith(b"{") else {}
            return response.status, {**said, "retry-after": response.headers["retry-after"]}
        finally:
            connection.close()


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    assert NGINX is not None
    replicas = (Replica(), Replica())
    port = free_port()
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for name, replica in zip(REPLICAS, replicas, strict=True):
        text = text.replace(f"{name}:7860", f"127.0.0.1:{replica.server_port}")
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/", f"{tmp_path}/")
    text = text.replace("/dev/stdout", str(tmp_path / "access.log"))
    text = text.replace("error_log stderr", f"error_log {tmp_path / 'error.log'}")
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(text, encoding="utf-8")
    checked = subprocess.run([NGINX, "-t", "-c", configuration], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([NGINX, "-c", configuration, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    made = Proxied(port, replicas, tmp_path / "access.log", tmp_path / "error.log")
    try:
        for _ in range(600):
            try:
                made.get("/healthz")
                break
            except OSError:
                time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=10)
        for replica in replicas:
            replica.end()


@needs_nginx
def test_the_proxy_tells_the_service_who_asks_and_believes_no_client_about_it(proxied: Proxied) -> None:
    _, told = proxied.get(
        "/api/v1/policies", X_Forwarded_For="10.1.2.3", X_Forwarded_Proto="https", Forwarded="for=10.1.2.3"
    )
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert "forwarded" not in told
    assert told["host"] == f"127.0.0.1:{proxied.port}"


@needs_nginx
def test_events_pass_the_proxy_as_they_are_sent(proxied: Proxied) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxied.port, timeout=10)
    connection.request("POST", "/api/v1/ask/stream", b"{}")
    response = connection.getresponse()
    arrived = 0
    while line := response.readline():
        if line.startswith(b"data"):
            arrived += 1
            for replica in proxied.replicas:
                replica.taken.release()
    connection.close()
    assert arrived == 3


@needs_nginx
def test_a_client_stays_with_one_process_for_the_chat_and_goes_to_any_for_the_api(proxied: Proxied) -> None:
    assert len({proxied.send("POST", "/gradio_api/queue/join", b"{}")[1]["port"] for _ in range(6)}) == 1
    assert len({proxied.get("/api/v1/policies")[1]["port"] for _ in range(6)}) == 2


@needs_nginx
@pytest.mark.parametrize("path", ["/api/v1/ask", "/v1/chat/completions", "/gradio_api/queue/join", "/mcp"])
def test_what_a_stopping_process_turns_away_is_answered_by_the_other(proxied: Proxied, path: str) -> None:
    proxied.replicas[0].draining = True
    assert {proxied.send("POST", path, b"{}")[0] for _ in range(4)} == {200}
    proxied.replicas[0].draining = False
    proxied.replicas[1].draining = True
    assert {proxied.send("POST", path, b"{}")[0] for _ in range(4)} == {200}


@needs_nginx
def test_a_judgement_that_was_turned_away_is_not_sent_twice(proxied: Proxied) -> None:
    for replica in proxied.replicas:
        replica.draining = True
    before = sum(replica.requests for replica in proxied.replicas)
    assert proxied.send("POST", "/api/v1/feedback", b"{}")[0] == 503
    assert sum(replica.requests for replica in proxied.replicas) == before + 1


@needs_nginx
def test_a_process_that_is_gone_is_not_noticed_and_with_none_left_that_is_said(proxied: Proxied) -> None:
    proxied.replicas[0].end()
    assert {proxied.send("POST", "/api/v1/ask", b"{}")[0] for _ in range(6)} == {200}
    proxied.replicas[1].end()
    status, said = proxied.send("POST", "/api/v1/ask", b"{}")
    assert (status, said["code"], said["retry-after"]) == (503, "unavailable", "5")


@needs_nginx
def test_figures_stay_inside_bodies_have_an_end_and_no_address_or_question_is_written_down(proxied: Proxied) -> None:
    assert proxied.get("/metrics")[0] == 404
    assert proxied.send("POST", "/api/v1/ask", b"x" * 300_000)[0] == 413
    assert proxied.get("/?q=do+they+sell+my+secret", Referer="http://secret.example/")[0] == 200
    ends = time.monotonic() + 10
    while "GET / 200" not in (written := proxied.log.read_text(encoding="utf-8")):  # it writes after it has answered
        assert time.monotonic() < ends, written
        time.sleep(0.01)
    assert "secret" not in written
    assert not re.search(r"127\.0\.0\.1(?!:\d)", written)
    # What goes wrong is written by nginx itself, with the whole request.
    for replica in proxied.replicas:
        replica.end()
    assert proxied.get("/api/v1/compare?question=do+they+sell+my+secret")[0] == 503
    assert not proxied.errors.exists() or proxied.errors.read_text(encoding="utf-8") == ""
