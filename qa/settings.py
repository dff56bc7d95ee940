"""Typed settings, read once from the environment and ``fineprint.toml``, then passed down.

Nothing is read at import. Every field here is an environment variable ``FINEPRINT_<NAME>`` and a key of
``fineprint.toml``; the environment wins. Unknown names are refused, so that a typo never silently means the default.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from qa.admission import ApiKey, SiteOrigin, api_keys, origin_of, site_origins
from qa.errors import InvalidSettings

PREFIX = "FINEPRINT_"

_CHROMA_URL = re.compile(r"https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?/?", re.ASCII)
_LLM = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,39}:[^\s\x00-\x1f\x7f-\x9f]{1,200}")
_LLM_URL = re.compile(r"https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:/[\w./~%-]*)?", re.ASCII)


def default_index() -> Path:
    """The per-user data folder that holds the index unless another is named."""
    return Path(platformdirs.user_data_dir("fineprint", appauthor=False)) / "index"


def default_cache() -> Path:
    """The per-user folder for what can be made again, such as which model files were checked."""
    return Path(platformdirs.user_cache_dir("fineprint", appauthor=False))


def _rate_limit(value: object) -> object:
    if value in (None, "off") or not isinstance(value, str):
        return value
    from limits import parse_many

    try:
        limits = parse_many(value)
    except ValueError:
        limits = []
    if not limits or any(limit.amount < 1 or limit.get_expiry() < 1 for limit in limits):
        raise ValueError(f"{value[:80]!r} is no limit; write e.g. 60/minute, or 5/second; 500/hour, or off")
    return value


def _public_url(value: object) -> object:
    return origin_of(value) if isinstance(value, str) else value


def _addresses(value: object) -> object:
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        return value
    addresses = tuple(str(each).strip() for each in given if str(each).strip())
    for each in addresses:
        try:
            ip_network(each)
        except ValueError:
            raise ValueError(f"{each[:80]!r} is no address or network such as 10.0.0.7 or 172.16.0.0/12") from None
    return addresses


def _chroma_url(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not _CHROMA_URL.fullmatch(value.strip()):
        raise ValueError("this is no address of a Chroma server; write e.g. http://chroma:8000, without a path")
    return value.strip().rstrip("/")


def _llm(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not _LLM.fullmatch(value.strip()):
        raise ValueError(
            "this names no chat model; write provider:model, e.g. ollama:llama3.2, openai:gpt-4o-mini,"
            " anthropic:claude-haiku-4-5 or azure_openai:your-deployment"
        )
    return value.strip()


def _llm_url(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not _LLM_URL.fullmatch(value.strip()):
        raise ValueError(
            "this is no address of a model server; write e.g. http://localhost:8000/v1, without user name, password"
            " or query (a key belongs into FINEPRINT_LLM_API_KEY)"
        )
    return value.strip().rstrip("/")


class Settings(BaseModel):
    """What an operator can set; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: Annotated[Path, Field(default_factory=default_index, description="Folder of the index.")]
    cache: Annotated[Path, Field(default_factory=default_cache, description="Folder for files that can be made again.")]
    scope: Annotated[
        str | None,
        Field(
            default=None,
            description="Domain, policy id or file stem that every question is about unless it names its own.",
        ),
    ]
    embedding_model: Annotated[
        str | None,
        Field(default=None, description="Unset: the bundled fine-tuned encoder. all-MiniLM-L6-v2: as published."),
    ]
    chroma_url: Annotated[
        str | None,
        BeforeValidator(_chroma_url),
        Field(
            default=None,
            description="A Chroma server that holds the index, as http(s)://host:port; unset: in the index folder.",
        ),
    ]
    chroma_index: Annotated[
        str,
        Field(
            default="fineprint",
            pattern=r"^[a-z][a-z0-9]{2,39}$",
            description="Name of the index on that server, which may hold several: 3 to 40 letters a-z and digits.",
        ),
    ]
    chroma_token: Annotated[
        SecretStr | None,
        Field(default=None, description="What a proxy in front of the Chroma server wants as a bearer token."),
    ]
    llm: Annotated[
        str | None,
        BeforeValidator(_llm),
        Field(default=None, description="A chat model that may phrase answers, as provider:model; unset: none."),
    ]
    llm_url: Annotated[
        str | None,
        BeforeValidator(_llm_url),
        Field(default=None, description="Where that model is served; unset: where its provider serves it."),
    ]
    llm_api_key: Annotated[
        SecretStr | None, Field(default=None, description="Its key; unset: the provider's own variable is read.")
    ]
    llm_wait_s: Annotated[
        float, Field(default=10, ge=0.1, le=600, description="Seconds until the chat model's first words have to come.")
    ]
    llm_timeout_s: Annotated[
        float,
        Field(
            default=20,
            ge=0.1,
            le=600,
            description="Seconds all calls of the chat model for one question may take together.",
        ),
    ]
    llm_max_tokens: Annotated[
        int, Field(default=2_000, ge=50, le=32_000, description="The chat model may say so much in one reply.")
    ]
    llm_budget_tokens: Annotated[
        int | None,
        Field(default=None, ge=0, description="What may be asked and said in a day of the process; unset: no limit."),
    ]
    max_question_chars: Annotated[
        int, Field(default=2_000, ge=20, le=100_000, description="Longer questions are refused.")
    ]
    max_policy_chars: Annotated[
        int, Field(default=500_000, ge=1_000, description="Longer files are refused at ingest.")
    ]
    max_compared: Annotated[
        int, Field(default=20, ge=2, le=100, description="At most this many policies are compared in one answer.")
    ]
    threads: Annotated[int, Field(default=2, ge=1, le=64, description="Threads of the models that answer a question.")]
    own_policies_mb: Annotated[
        int, Field(default=64, ge=0, le=65_536, description="Memory for policies that readers bring; 0 takes none.")
    ]
    own_policies_minutes: Annotated[
        int, Field(default=60, ge=1, le=1_440, description="A reader's own policy is gone so long after its last use.")
    ]
    fetch: Annotated[
        Literal["on", "off"], Field(default="off", description="Whether readers may have a web address opened.")
    ]
    feedback: Annotated[
        Literal["on", "off"], Field(default="on", description="Whether readers may say that an answer is wrong.")
    ]
    feedback_file: Annotated[
        Path | None, Field(default=None, description="Where that is kept; unset: feedback.sqlite3 beside the index.")
    ]
    metrics: Annotated[
        Literal["on", "off"], Field(default="on", description="Whether figures for Prometheus are at /metrics.")
    ]
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(default="info", description="What the service writes down.")
    ]
    log_format: Annotated[
        Literal["text", "json"], Field(default="text", description="Lines for people, or one JSON object a line.")
    ]
    access_log: Annotated[
        Literal["on", "off"], Field(default="off", description="Whether a line is written for every request.")
    ]
    answers_kept: Annotated[
        int,
        Field(
            default=256,
            ge=0,
            le=10_000,
            description="Answers kept in a service's memory, for ten minutes, for who asks the same again; 0: none.",
        ),
    ]
    history: Annotated[int, Field(default=6, ge=0, le=50, description="Earlier questions that are looked at.")]
    allowed_origins: Annotated[
        tuple[SiteOrigin, ...],
        BeforeValidator(site_origins),
        Field(default=(), description="Web origins whose pages may use widget and API, each with its domains."),
    ]
    api_keys: Annotated[
        tuple[ApiKey, ...],
        BeforeValidator(api_keys),
        Field(default=(), description="Keys that programs need, as `fineprint keys new` prints them; none: no key."),
    ]
    rate_limit: Annotated[
        str | None,
        BeforeValidator(_rate_limit),
        Field(default=None, description="Per client and per key, e.g. 60/minute; off. Unset: 120/minute from outside."),
    ]
    rate_limit_storage: Annotated[
        SecretStr | None, Field(default=None, description="A redis:// address, where several processes count together.")
    ]
    public_url: Annotated[
        str | None,
        BeforeValidator(_public_url),
        Field(default=None, description="The address that visitors see, e.g. https://privacy.example."),
    ]
    trusted_proxies: Annotated[
        tuple[str, ...],
        BeforeValidator(_addresses),
        Field(default=("127.0.0.1", "::1"), description="Proxies whose X-Forwarded-For and -Proto are believed."),
    ]
    concurrency: Annotated[int, Field(default=4, ge=1, le=64, description="Questions answered at the same time.")]
    queue: Annotated[int, Field(default=64, ge=0, le=10_000, description="Questions that may wait for their turn.")]
    timeout_s: Annotated[
        float, Field(default=30, ge=1, le=3_600, description="Seconds until an answer has to begin, its request read.")
    ]
    drain_s: Annotated[
        float, Field(default=20, ge=0, le=3_600, description="Seconds that running questions have when it is stopped.")
    ]


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Reads the settings: overrides win over the environment, that over the file, that over the defaults.

    Args:
        overrides: values by field name, e.g. from command-line options; None values are ignored. A folder for the
            index wins over a Chroma server in the environment or the file.
        environ: the environment; ``os.environ`` by default.
        file: a TOML file; ``$FINEPRINT_CONFIG``, else ``fineprint.toml`` in the working folder if it exists.

    Raises:
        InvalidSettings: an unknown key, a value of the wrong type, or an unreadable file.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(PREFIX + "CONFIG")
    path = file or (Path(named) if named else Path("fineprint.toml"))
    values: dict[str, Any] = {}
    if path.is_file():
        try:
            values.update(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as exc:
            raise InvalidSettings(f"{path} cannot be read as TOML: {exc}. Mend or remove it.") from exc
        _refuse_unknown(values, f"in {path}", lambda name: name)
    elif file or named:
        raise InvalidSettings(f"There is no settings file {path}.")
    env = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name != PREFIX + "CONFIG" and value != ""
    }
    _refuse_unknown(env, "in the environment", lambda name: PREFIX + name.upper())
    values.update(env)
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    if "index" in given:  # whoever names a folder means that folder, whatever the environment says of a server
        values.pop("chroma_url", None)
    values.update(given)
    try:
        return Settings(**values)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0])
        # Not "from": the failure repeats what was given, which may be a secret.
        raise InvalidSettings(
            f"Setting {name} ({PREFIX}{name.upper()}): {first['msg'].removeprefix('Value error, ')}."
        ) from None


def _refuse_unknown(values: Mapping[str, Any], where: str, spell: Any) -> None:
    known = Settings.model_fields
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {spell(near[0])}?" if near else f" Known: {', '.join(spell(k) for k in known)}."
            raise InvalidSettings(f"Unknown setting {spell(name)} {where}.{hint}")
