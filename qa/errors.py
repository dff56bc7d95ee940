"""What can go wrong, as one tree.

::

    FineprintError               every expected failure; its text says what to do
    ├── UsageError               the request cannot be meant as it stands (exit code 2, HTTP 4xx)
    │   ├── InvalidQuestion      empty, too long, control characters
    │   │   └── NotEnglish       in another language than the policies
    │   ├── UnknownScope         the scope names no indexed policy
    │   ├── NoPolicyChosen       what is looked up names no company, or one that is not indexed; carries choices
    │   └── InvalidSettings      an unknown key or a value of the wrong type
    ├── PolicyRefused            a file is not a usable policy; carries a reason code
    ├── ModelUnusable            the bundled model is missing or is not the known one, or a chat model cannot be set up
    ├── ChatModelFailed          a chat model did not do its part; answers are made without it
    ├── Unwanted                 nobody waits for the answer any more
    └── IndexProblem             the index cannot serve
        ├── IndexMissing         nothing has been ingested here
        ├── IndexForeign         made by something else, by a newer version, or with another model: rebuild
        ├── IndexDamaged         unreadable; rebuild
        ├── IndexLocked          another process is writing
        ├── IndexUnwritable      no permission, or the disk is full
        └── IndexUnreachable     it is on a Chroma server that does not answer

An expected failure is shown as one clear line. Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations


class FineprintError(Exception):
    """An expected failure; ``str(error)`` is one line that says what went wrong and what to do."""

    code = "error"


class UsageError(FineprintError):
    """The request cannot be meant as it stands."""

    code = "usage"


class InvalidQuestion(UsageError):
    """The question is empty, too long, or not text."""

    code = "invalid_question"


class NotEnglish(InvalidQuestion):
    """The question is in another language than the policies."""

    code = "not_english"


class UnknownScope(UsageError):
    """The scope names no indexed policy."""

    code = "unknown_scope"


class NoPolicyChosen(UsageError):
    """What is looked up names no company while several are indexed, or names one that is not.

    Attributes:
        status: "needs_company", "unknown_company" or "out_of_scope".
        choices: scopes to offer: the nearest names, or what is indexed.
    """

    code = "no_policy_chosen"

    def __init__(self, message: str, status: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.choices = choices


class InvalidSettings(UsageError):
    """A setting is unknown or has a value of the wrong type."""

    code = "invalid_settings"


class PolicyRefused(FineprintError):
    """A file is not a usable policy.

    Attributes:
        reason: one of ``ingest.screening.Reason``'s values, for programs.
    """

    code = "policy_refused"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ModelUnusable(FineprintError):
    """The bundled model is missing, or its files are not the known ones; or a chat model cannot be set up."""

    code = "model_unusable"


class ChatModelFailed(FineprintError):
    """A chat model did not do its part, for a reason that may pass; answers are made without it.

    The text never repeats what the model's server says, which may quote the question.

    Attributes:
        reason: "unreachable", "slow", "busy", "refused", "broken_off", "nonsense", "resting" (it failed just now and
            is left alone for a while) or "budget".
    """

    code = "chat_model_failed"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Unwanted(FineprintError):
    """Whoever asked does not wait for the answer any more, so it is not made."""

    code = "unwanted"


class IndexProblem(FineprintError):
    """The index cannot serve."""

    code = "index_problem"


class IndexMissing(IndexProblem):
    """Nothing has been ingested into this index folder."""

    code = "index_missing"


class IndexForeign(IndexProblem):
    """The index was made by something else, by a newer version, or with another model or chunker."""

    code = "index_foreign"


class IndexDamaged(IndexProblem):
    """The index cannot be read."""

    code = "index_damaged"


class IndexLocked(IndexProblem):
    """Another process is writing to the index."""

    code = "index_locked"


class IndexUnwritable(IndexProblem):
    """The index folder cannot be written: no permission, or no space left."""

    code = "index_unwritable"


class IndexUnreachable(IndexProblem):
    """The index is on a Chroma server that does not answer."""

    code = "index_unreachable"
