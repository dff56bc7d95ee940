"""Typed settings, read once from the environment and ``fineprint.toml``, then passed down.

Nothing is read at import. Every field here is an environment variable ``FINEPRINT_<NAME>`` and a key of
``fineprint.toml``; the environment wins. Unknown names are refused, so that a typo never silently means the default.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qa.errors import InvalidSettings

PREFIX = "FINEPRINT_"


def default_index() -> Path:
    """The per-user data folder that holds the index unless another is named."""
    return Path(platformdirs.user_data_dir("fineprint", appauthor=False)) / "index"


def default_cache() -> Path:
    """The per-user folder for what can be made again, such as which model files were checked."""
    return Path(platformdirs.user_cache_dir("fineprint", appauthor=False))


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
    history: Annotated[int, Field(default=6, ge=0, le=50, description="Earlier questions that are looked at.")]


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Reads the settings: overrides win over the environment, that over the file, that over the defaults.

    Args:
        overrides: values by field name, e.g. from command-line options; None values are ignored.
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
    values.update({name: value for name, value in (overrides or {}).items() if value is not None})
    try:
        return Settings(**values)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidSettings(f"Setting {name} ({PREFIX}{name.upper()}): {first['msg']}.") from exc


def _refuse_unknown(values: Mapping[str, Any], where: str, spell: Any) -> None:
    known = Settings.model_fields
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {spell(near[0])}?" if near else f" Known: {', '.join(spell(k) for k in known)}."
            raise InvalidSettings(f"Unknown setting {spell(name)} {where}.{hint}")
