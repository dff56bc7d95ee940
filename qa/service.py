"""The composition root: settings become a ready ``PolicyQA``."""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from qa import comparing
from qa.chain import Chain
from qa.domain import Answer, IndexedPolicy, PolicyCard, Question, Route
from qa.encoders import BundledJudge, TextEncoder, open_encoder
from qa.errors import IndexForeign, InvalidQuestion
from qa.library import Library
from qa.reading import EvidenceReader, Reader
from qa.retrieval import Retriever
from qa.routing import Router, find_scope, search_cards
from qa.settings import Settings

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

    from qa.store import PassageIndex

_log = logging.getLogger(__name__)

# The commonest little words of languages that people may try; English shares none of them.
_FOREIGN_WORDS = frozenset(
    "der die das und ist ich sie wir nicht werden meine daten verkauft verkaufen wie lange mein haben"
    " le la les des est mes données vendez vous votre nous quelles combien sont avec pour une"
    " el los las mis datos venden vende usted ustedes cómo cuánto qué por para una son"
    " il gli miei dati vendete che quanto sono dei della"
    " os meus dados vendem você vocês uma não quanto"
    " het een mijn gegevens verkopen jullie niet hoe wat".split()
)
_ENGLISH_WORDS = frozenset(
    "the a do does did is are can could will would may what which who how when where why my me i you your they their it"
    " of to in on for with and or not if any about from by at be have has share sell keep data email information"
    " privacy cookies policy site account delete opt out card kids children long much many".split()
)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Directory:
    """What is indexed, as of one generation of the library."""

    generation: int
    cards: tuple[PolicyCard, ...]
    by_id: dict[str, PolicyCard]
    router: Router


class PolicyQA:
    """Answers questions about the policies of one index. Thread-safe; sees new policies at the next question.

    Open with ``PolicyQA.open(settings)``; close it, or use it as a context manager.
    """

    def __init__(
        self,
        settings: Settings,
        library: Library,
        encoder: TextEncoder,
        reader: Reader,
        passages: PassageIndex | None = None,
    ) -> None:
        self._settings = settings
        self._library = library
        self._encoder = encoder
        self._reader = reader
        self._retriever = Retriever(encoder)
        self._lock = threading.Lock()
        self._directory: _Directory | None = None
        self._passages = passages
        self._chain = Chain(
            route=self._route,
            open_policy=library.read,
            retriever=self._retriever,
            reader=reader,
            compare=self._compare,
        )

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        encoder: TextEncoder | None = None,
        reader: Reader | None = None,
        passages: PassageIndex | None = None,
    ) -> PolicyQA:
        """Opens the index of the settings; what is passed replaces the part that the settings would choose.

        Raises:
            IndexProblem: there is no index, it is damaged, or it was made with another model.
        """
        encoder = encoder or open_encoder(settings)
        library = Library.open(settings.index)
        made_with = library.manifest
        if made_with.fingerprint != encoder.fingerprint:
            library.close()
            raise IndexForeign(
                f"The index in {settings.index} was made with the model {made_with.encoder}, not with {encoder.name}:"
                " run `fineprint rebuild`."
            )
        if reader is None:
            reader = EvidenceReader(BundledJudge(settings.cache, threads=settings.threads))
        return cls(settings, library, encoder, reader, passages)

    @property
    def reader(self) -> Reader:
        """What reads the ranked sentences."""
        return self._reader

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, question: Question) -> Answer:
        """Answers one question.

        Raises:
            InvalidQuestion: empty, too long, with control characters, or not in English.
            UnknownScope: the scope names no indexed policy.
            IndexProblem: the index has become unreadable.
        """
        return self._chain.ask(self._checked(question))

    def as_runnable(self) -> Runnable[Question, Answer]:
        """The whole chain as a LangChain Runnable from ``Question`` to ``Answer``."""
        from langchain_core.runnables import RunnableLambda

        return RunnableLambda(self._checked, name="check") | self._chain.as_runnable()

    # --- looking things up --------------------------------------------------------------------------------------------

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        """The indexed policies whose company or domain matches, all of them for an empty query."""
        cards = self._current().cards
        if query.strip():
            return search_cards(cards, query, limit)
        return cards[:limit]

    def policy(self, scope: str) -> IndexedPolicy:
        """The policy that a domain, policy id or file stem means.

        Raises:
            UnknownScope: nothing indexed is called so.
        """
        return self._library.read(find_scope(self._current().cards, scope))

    def warm_up(self) -> None:
        """Loads the models and the directory, so that the first question does not pay for it.

        Raises:
            ModelUnusable: a model's files are missing or not the known ones.
        """
        self._encoder.warm_up()
        self._reader.warm_up()
        self._current()

    def close(self) -> None:
        """Releases the index."""
        with self._lock:
            if self._passages is not None:
                self._passages.close()
                self._passages = None
        self._library.close()

    def __enter__(self) -> PolicyQA:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _current(self) -> _Directory:
        generation = self._library.generation()
        known = self._directory
        if known is not None and known.generation == generation:
            return known
        cards = self._library.cards()
        fresh = _Directory(
            generation, cards, {card.id: card for card in cards}, Router(cards, scope=self._settings.scope)
        )
        self._directory = fresh
        return fresh

    def _route(self, question: Question) -> Route:
        return self._current().router.route(question)

    def _compare(self, question: Question, route: Route, answer_one: Callable[[Question, Route], Answer]) -> Answer:
        most = self._settings.max_compared
        if len(route.policies) > most:
            chosen = self._worth_comparing(route, most)
            note = f"Compared are the {most} policies nearest to the question, of {len(route.policies)} indexed."
            route = Route(
                policies=chosen,
                query=route.query,
                context=route.context,
                compare=True,
                warnings=(*route.warnings, note),
            )
        by_id = self._current().by_id
        return comparing.compare(question, route, answer_one, by_id.__getitem__)

    def _worth_comparing(self, route: Route, most: int) -> tuple[str, ...]:
        """The policies whose passages are nearest to the question, by the index over all policies."""
        allowed = set(route.policies)
        vector = self._retriever.vector(route)
        found: dict[str, None] = {}
        for hit in self._passage_index().search(vector, most * 20):
            if hit.policy_id in allowed:
                found.setdefault(hit.policy_id)
        return tuple([*found, *(p for p in route.policies if p not in found)][:most])

    def _passage_index(self) -> PassageIndex:
        from qa.store import open_index

        with self._lock:
            if self._passages is None:
                self._passages = open_index(self._settings.index, self._library)
            return self._passages

    def _checked(self, question: Question) -> Question:
        text = question.text.strip()
        limit = self._settings.max_question_chars
        if not text:
            raise InvalidQuestion("The question is empty: type what you want to know about a privacy policy.")
        if len(text) > limit:
            raise InvalidQuestion(f"The question has {len(text):,} characters; at most {limit:,} are read. Shorten it.")
        if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\t\n\r" for char in text):
            raise InvalidQuestion("The question contains control characters: type it as plain text.")
        if _is_foreign(text):
            raise InvalidQuestion("Questions are understood in English only, as the policies are: ask in English.")
        history = tuple(entry.strip()[:limit] for entry in question.history if entry.strip())
        kept = history[len(history) - self._settings.history :] if self._settings.history else ()
        return Question(text=text, history=kept, scope=question.scope, as_of=question.as_of, id=question.id)


def _is_foreign(text: str) -> bool:
    """Whether a question is clearly not English: another script, or another language and no English word."""
    letters = [char for char in text if char.isalpha()]
    if letters and sum("LATIN" not in unicodedata.name(char, "") for char in letters) > len(letters) / 2:
        return True
    words = [word.lower() for word in _WORD.findall(text)]
    return sum(word in _FOREIGN_WORDS for word in words) >= 2 and not any(word in _ENGLISH_WORDS for word in words)
