"""The web service: HTTP API and chat in one application, and the server that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from qa.errors import FineprintError
from qa.settings import Settings
from ui.live import Answers, LiveAnswers, Warmth

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["create_app", "open_tools", "serve"]

logger = logging.getLogger(__name__)


class CannotListen(FineprintError):
    """The address cannot be listened on."""

    code = "cannot_listen"


def create_app(answers: Answers, settings: Settings, *, loopback_only: bool = False) -> FastAPI:
    """The application: the HTTP API, and the chat at ``/``.

    Args:
        answers: what answers; it may have no index yet (see ``ui.live``).
        settings: who may ask, how often, how much.
        loopback_only: whether it is listened for on this machine's own addresses only (see ``ui.access.Door``).

    Raises:
        InvalidSettings: a setting cannot be used here.
    """
    from fastapi import FastAPI

    import ui
    from ui.addresses import add_addresses
    from ui.api import add_api
    from ui.assistants import ToolDoor
    from ui.completions import CompletionErrors, add_completions
    from ui.document import Document
    from ui.draining import Drain
    from ui.feedback import Feedback, add_feedback, feedback_file, made_by
    from ui.guard import Guard
    from ui.logs import AccessLog
    from ui.lookback import add_lookback
    from ui.metrics import Metrics, WatchedAnswers, add_metrics
    from ui.own import OwnAnswers, OwnPolicies, add_own
    from ui.requests import HeadRequests, RequestIds
    from ui.turnstile import Turnstile
    from ui.views import add_views
    from ui.watching import Watch
    from ui.widget import add_widget

    metrics = Metrics(chat_model=settings.llm is not None) if settings.metrics == "on" else None
    if metrics:
        answers = WatchedAnswers(answers, metrics)
    warmth = Warmth(answers)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warmth.start()
        try:
            async with tools.running():
                yield
        finally:
            warmth.stop()

    app = FastAPI(
        title="fineprint",
        version=ui.version(),
        summary="Questions about website privacy policies, answered with verified verbatim citations.",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's page loads its script from a CDN
        redoc_url=None,
    )
    app.add_middleware(Document)
    app.state.drain = Drain()
    app.add_middleware(Guard, settings=settings, drain=app.state.drain, loopback_only=loopback_only)
    app.add_middleware(CompletionErrors)
    app.add_middleware(HeadRequests)  # outside of whatever reads the body of a response
    app.add_middleware(Watch, observers=(metrics, AccessLog()) if metrics else (AccessLog(),))
    app.add_middleware(RequestIds)
    add_feedback(app, Feedback(feedback_file(settings), made_by=lambda: made_by(answers)))
    turnstile = Turnstile(settings.concurrency, settings.queue)
    if metrics:
        add_metrics(app, metrics, answers, warmth, turnstile)
    add_completions(app, answers, turnstile, settings)
    add_api(app, answers, warmth, turnstile)
    tools = ToolDoor(answers, turnstile)
    tools.add_to(app)
    add_views(app, answers)
    add_widget(app, settings)
    add_lookback(app, answers)
    own = OwnPolicies(answers, settings)
    add_own(app, own)
    add_addresses(app, own, settings)
    # Not with the first request: a setting that cannot be used would fail every client, and the operator not be told.
    app.middleware_stack = app.build_middleware_stack()
    _within_a_loop(lambda: _mount_chat(app, OwnAnswers(answers, own), settings))
    return app


def _mount_chat(app: FastAPI, answers: Answers, settings: Settings) -> None:
    # Gradio reads these when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # Of every call it would keep time, state and session, and sum the last ten thousand up with pandas after each.
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "1000000000"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries are not the operator's concern
        import gradio as gr

    from ui.logs import take_over_tracebacks
    from ui.page import build_page, keep_no_values, page_head, page_theme
    from ui.words import page_words

    take_over_tracebacks()
    page = build_page(answers, settings)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=page_theme(),
        head=page_head(),
        i18n=page_words(),
        run_history=False,
        footer_links=[],
        show_error=False,
        max_file_size=1,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
    )
    keep_no_values(page)


def _within_a_loop(build: Callable[[], None]) -> None:
    """Calls while an event loop runs: where none does, Gradio makes some of its own and never closes them."""

    async def run() -> None:
        build()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(run())
    else:
        build()


def serve(settings: Settings, *, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Runs the service until it is interrupted.

    Args:
        settings: which index, above all.
        host: address or name to listen on.
        port: 0 takes any free one.
        announce: told the address once it is listened on.

    Raises:
        CannotListen: the port is in use, or not permitted.
    """
    from ui.access import is_loopback
    from ui.connections import server_for
    from ui.logs import set_up_logs

    with _bound(host, port) as listener, contextlib.closing(_open_live(settings)) as answers:
        set_up_logs(settings)
        app = create_app(answers, settings, loopback_only=is_loopback(listener.getsockname()[0]))
        # Not before: who connects to a socket that listens waits; a proxy that is refused goes to another process.
        with _saying_why_not(host, port):
            listener.listen(128)
        name = f"[{host}]" if ":" in host else host
        server = server_for(app, app.state.drain, settings)
        # uvicorn takes signals over while it runs, and raises them again when it has stopped: by then the work is done.
        # One that comes before it runs ends it as soon as it does.
        previous = signal.signal(signal.SIGTERM, server.handle_exit)
        try:
            announce(f"http://{name}:{listener.getsockname()[1]}")
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            logger.debug("interrupted")
        finally:
            signal.signal(signal.SIGTERM, previous)


def open_tools(settings: Settings, scopes: Sequence[str]) -> None:
    """Offers the tools to one client on standard input and output until its input ends.

    Args:
        settings: which index, above all.
        scopes: only these sites may be asked about; all if there is none.
    """
    from ui.assistants import serve_stdio
    from ui.logs import set_up_logs
    from ui.turnstile import Turnstile

    set_up_logs(settings)
    with contextlib.closing(_open_live(settings)) as answers:
        asyncio.run(serve_stdio(answers, Turnstile(settings.concurrency, settings.queue), scopes))


def _open_live(settings: Settings) -> LiveAnswers:
    def open_answers() -> Answers:
        from qa.service import PolicyQA

        return PolicyQA.open(settings, recalls=True)

    return LiveAnswers(open_answers)


def _bound(host: str, port: int) -> socket.socket:
    """A socket bound before anything is loaded, so that a port in use is said at once. It does not listen yet."""
    with _saying_why_not(host, port):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    return listener


@contextlib.contextmanager
def _saying_why_not(host: str, port: int) -> Iterator[None]:
    """What the system says against an address, as an error that says what to do."""
    try:
        yield
    except socket.gaierror as exc:
        raise CannotListen(f"There is no address {host!r}. Use --host 127.0.0.1 or 0.0.0.0.") from exc
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            other = port + 1 if port < 65535 else port - 1
            raise CannotListen(f"Port {port} on {host} is in use. Choose another with --port {other}.") from exc
        if exc.errno in (errno.EACCES, errno.EPERM):
            raise CannotListen(f"Port {port} needs more rights. Choose one above 1023, e.g. --port 7860.") from exc
        raise CannotListen(
            f"Cannot listen on {host}:{port}: {exc.strerror}. Choose another with --host or --port."
        ) from exc
