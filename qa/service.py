"""The composition root: settings become a ready ``PolicyQA``."""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from qa import comparing, lookback
from qa.chain import Chain, Turn, Watch
from qa.changing import changes_between
from qa.domain import (
    Answer,
    Changes,
    Entry,
    FailedEntry,
    IndexedPolicy,
    Label,
    PolicyCard,
    Question,
    Route,
    Status,
    Step,
)
from qa.encoders import BundledEntailment, BundledJudge, TextEncoder, open_encoder
from qa.errors import IndexForeign, InvalidQuestion, NotEnglish, UsageError
from qa.finding import Finder
from qa.labelling import LabelStore, label_of, recipe
from qa.libraries import index_of, open_library, open_search
from qa.parting import Rewriter
from qa.reading import EvidenceReader, Reader
from qa.recalling import Recall, Recalled
from qa.retrieval import Retriever
from qa.routing import Router, find_scope, is_privacy_question
from qa.settings import Settings
from qa.text import fold
from qa.writing import Writer

if TYPE_CHECKING:
    from qa.retriever import PolicyRetriever
    from qa.runnables import AnswerRunnable, MessageRunnable
    from qa.store import PassageSearch, PolicyLibrary
    from qa.talking import ChatModel

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
# Those of them, and some more, that are no English word or name at all: a single one is telling.
_FOREIGN_ALONE = frozenset(
    "ich wir nicht werden meine meinen meiner daten verkauft verkaufen mein speichert speichern gespeichert teilt"
    " weitergibt kreditkarte kreditkartennummer werbung kinder löschen gelöscht datenschutz wie warum welche"
    " mes données vendez vendent vous votre nous quelles conserve conservez conservent partage partagez partagent"
    " numéro enfants publicité effacer supprimer confidentialité pourquoi"
    " mis datos venden usted ustedes cómo cuánto qué guarda guardan comparte comparten tarjeta niños borrar"
    " publicidad quién privacidad".split()
)
_ENGLISH_WORDS = frozenset(
    "the a do does did is are can could will would may what which who how when where why my me i you your they their it"
    " of to in on for with and or not if any about from by at be have has share sell keep data email information"
    " privacy cookies policy site account delete opt out card kids children long much many".split()
)
_WORD = re.compile(r"[^\W\d_]+")
_KEPT_DIFFERENCES = 32
"""Pairs of versions."""
_KEPT_LIMITED = 64
"""Sets of sites; as many as an operator has given to pages and keys, in most cases."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked up for a question.

    Attributes:
        route: which policies it is about, or by its ``status`` why none can be chosen.
        turns: one for each policy and each thing asked, with ``candidates`` and ``reading``; empty where none was.
    """

    route: Route
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class _Directory:
    """What is indexed, as of one generation of the library."""

    generation: int
    cards: tuple[PolicyCard, ...]
    by_id: dict[str, PolicyCard]
    router: Router
    finder: Finder


class PolicyQA:
    """Answers questions about the policies of one index. Thread-safe; sees new policies at the next question.

    Open with ``PolicyQA.open(settings)``; close it, or use it as a context manager.
    """

    def __init__(
        self,
        settings: Settings,
        library: PolicyLibrary,
        encoder: TextEncoder,
        reader: Reader,
        *,
        passages: PassageSearch | None = None,
        labels: LabelStore | None = None,
        writer: Writer | None = None,
        rewriter: Rewriter | None = None,
        recall: Recall | None = None,
    ) -> None:
        self._recall = recall
        self._whole: PolicyQA | None = None
        self._only: frozenset[str] = frozenset()
        self._limited: dict[frozenset[str], PolicyQA] = {}
        self._settings = settings
        self._library = library
        self._encoder = encoder
        self._reader = reader
        self._writer = writer
        self._rewriter = rewriter
        self._retriever = Retriever(encoder)
        self._lock = threading.Lock()
        self._directory: _Directory | None = None
        self._differences: dict[tuple[str, str], Changes] = {}
        self._passages = passages
        self._labels = labels or LabelStore(None, "")
        self._chain = Chain(
            route=self._route,
            open_policy=library.read,
            retriever=self._retriever,
            reader=reader,
            compare=self._compare,
            look_back=self._look_back,
            writer=writer,
            rewriter=rewriter,
        )

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        encoder: TextEncoder | None = None,
        reader: Reader | None = None,
        passages: PassageSearch | None = None,
        writer: Writer | None = None,
        rewriter: Rewriter | None = None,
        recalls: bool = False,
    ) -> PolicyQA:
        """Opens the index of the settings; what is passed replaces the part that the settings would choose.

        With ``recalls``, who asks what was asked a moment ago gets the answer that was given (``answers_kept``).

        Raises:
            InvalidSettings, ModelUnusable: the chat model of the settings cannot be set up.
            IndexProblem: there is no index, it is damaged, or it was made with another model.
        """
        if settings.llm is not None and (writer is None or rewriter is None):
            from qa.chatmodel import open_chat_model

            model = open_chat_model(settings)
            writer = writer or _writer_with(model, settings)
            rewriter = rewriter or _rewriter_with(model)
        encoder = encoder or open_encoder(settings, bulk=False)
        library = open_library(settings)
        made_with = library.manifest
        if made_with.fingerprint != encoder.fingerprint:
            library.close()
            raise IndexForeign(
                f"The index {index_of(settings)} was made with the model {made_with.encoder}, not with {encoder.name}:"
                " run `fineprint rebuild`."
            )
        labels = None
        if reader is None:
            reader = EvidenceReader(BundledJudge(settings.cache, threads=settings.threads))
            labels = LabelStore(settings.index, f"{recipe()} {encoder.fingerprint}")
        return cls(
            settings,
            library,
            encoder,
            reader,
            passages=passages,
            labels=labels,
            writer=writer,
            rewriter=rewriter,
            recall=Recall(settings.answers_kept) if recalls and settings.answers_kept else None,
        )

    def limited(self, domains: Collection[str]) -> PolicyQA:
        """The same service as if only these sites' policies were indexed.

        A question about a company outside is told that there is no policy of it, indexed or not. It sees new policies
        as this service does, is kept for the next call, and is closed with this service.
        """
        only = frozenset(domains) if self._whole is None else self._only.intersection(domains)
        with self._lock:
            made = self._limited.get(only)
            if made is None:
                made = PolicyQA(
                    self._settings,
                    self._library,
                    self._encoder,
                    self._reader,
                    labels=self._labels,
                    writer=self._writer,
                    rewriter=self._rewriter,
                    recall=self._recall,
                )
                made._whole, made._only = self._whole or self, only
                if len(self._limited) == _KEPT_LIMITED:
                    self._limited.pop(next(iter(self._limited)))
                self._limited[only] = made
        return made

    @property
    def reader(self) -> Reader:
        """What reads the ranked sentences."""
        return self._reader

    @property
    def encoder(self) -> TextEncoder:
        """What encodes questions, and policies that are asked without being indexed."""
        return self._encoder

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, question: Question) -> Answer:
        """Answers one question.

        Raises:
            InvalidQuestion: empty, too long, with control characters, or not in English.
            UnknownScope: the scope names no indexed policy.
            IndexProblem: the index has become unreadable.
        """
        *_, answer = self._answered(self._checked(question), plain=False)
        assert isinstance(answer, Answer)
        return answer

    def ask_plainly(self, question: Question) -> Answer:
        """Answers like ``ask`` without any chat model."""
        *_, answer = self._answered(self._checked(question), plain=True)
        assert isinstance(answer, Answer)
        return answer

    def stream(self, question: Question, watch: Watch | None = None) -> Generator[Step, None, None]:
        """Answers like ``ask`` and tells of each stage as it begins; the answer comes last.

        A question that cannot be meant is refused at once, not with the first step.

        Args:
            question: what is asked.
            watch: goes along with each stage, for which the answer is made anew.

        Raises:
            Whatever ``ask`` does.
        """
        asked = self._checked(question)
        return self._chain.watched(watch).stream(asked) if watch else self._answered(asked, plain=False)

    def ask_in(self, question: Question, source: IndexedPolicy) -> Answer:
        """Answers one question from a policy that need not be indexed.

        A question that names an indexed company is answered from that company's policy, and one that names a company
        that is neither indexed nor in the given policy is told so.

        Args:
            question: its ``scope`` is not looked at.
            source: the policy; its vectors come from ``encoder``. One without aliases is nobody's in particular.

        Raises:
            InvalidQuestion: as for ``ask``.
            IndexProblem: the index has become unreadable.
        """
        *_, answer = self.stream_in(question, source)
        assert isinstance(answer, Answer)
        return answer

    def stream_in(self, question: Question, source: IndexedPolicy) -> Iterator[Step]:
        """Answers like ``ask_in`` and tells of each stage as it begins; the answer comes last. Raises like it."""
        asked = self._checked(replace(question, scope=None))
        route = self._route_in(asked, source)
        # A reader's own policy is shown to no chat model.
        chain = self._chain.within(lambda _: route, lambda _: source).extractive() if route else self._chain
        return chain.stream(asked)

    def find(self, question: Question) -> Found:
        """What the policies that a question is about have on it, ranked and read but not answered.

        Whether the question is about privacy is not asked: what is looked up may be a few words.

        Raises:
            Whatever ``ask`` does.
        """
        asked = self._checked(question)
        route = self._route(asked)
        if not (route.compare or route.lookback):
            return Found(route, self._chain.consult(asked, route) if route.status is None else ())
        most, query = self._settings.max_compared, comparing.question_to_each(route.query)
        if route.lookback:
            chosen, query = route.policies[-most:], route.lookback.question or route.lookback.about or route.query
        elif len(route.policies) > most:
            chosen = self._worth_comparing(route, most)
        else:
            chosen = route.policies
        routes = [replace(route, policies=(each,), query=query, compare=False, lookback=None) for each in chosen]
        plain = self._chain.extractive()
        return Found(route, tuple(turn for each in routes for turn in plain.consult(asked, each)))

    def as_runnable(self) -> AnswerRunnable:
        """The whole chain as a LangChain Runnable: questions in many forms come in, an ``Answer`` comes out."""
        from qa.runnables import AnswerRunnable

        return AnswerRunnable(self)

    def as_messages(self) -> MessageRunnable:
        """The whole chain as a LangChain Runnable that gives messages, with each citation as an annotation."""
        from qa.runnables import MessageRunnable

        return MessageRunnable(self)

    def as_retriever(self, **options: Any) -> PolicyRetriever:
        """What the policy has on a question as LangChain documents; ``options`` are ``PolicyRetriever``'s fields."""
        from qa.retriever import PolicyRetriever

        return PolicyRetriever(qa=self, **options)

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        """Puts the same question to several policies, each searched and read for itself, each answer as it comes.

        Earlier questions are left aside, and names of the compared companies in the question too. What cannot be
        meant is refused before the first answer is asked for.

        Args:
            question: its ``scope`` and ``history`` are not looked at.
            scopes: 2 to ``max_compared`` different policies; several versions of one site are different policies. A
                policy that is not indexed stands for itself.

        Returns:
            An entry a scope, in their order, the citations of each numbered from 1.

        Raises:
            InvalidQuestion: as for ``ask``, or it is not about privacy.
            UnknownScope: a scope names no indexed policy.
            UsageError: too few or too many scopes, or two that mean the same policy.
            IndexProblem: the index has become unreadable.
        """
        asked = self._checked(replace(question, history=(), scope=None))
        if not is_privacy_question(asked.text):
            raise InvalidQuestion("This is not a question about privacy: ask what a privacy policy would say.")
        most = self._settings.max_compared
        if not 2 <= len(scopes) <= most:
            raise UsageError(f"Compared are 2 to {most} policies; {len(scopes)} given.")
        directory = self._current()
        indexed = iter(directory.router.route_to_each(asked, [scope for scope in scopes if isinstance(scope, str)]))
        brought = {scope.policy.id: scope for scope in scopes if not isinstance(scope, str)}
        cards = {policy_id: _card_of(source) for policy_id, source in brought.items()}
        routes = [
            next(indexed)
            if isinstance(scope, str)
            else Router((cards[scope.policy.id],)).route_to_each(asked, [scope.policy.id])[0]
            for scope in scopes
        ]
        seen: set[str] = set()
        for policy_id in (route.policies[0] for route in routes):
            if policy_id in seen:
                raise UsageError(f"Two of the scopes mean the same policy, {policy_id}: name each policy once.")
            seen.add(policy_id)

        def opened(policy_id: str) -> IndexedPolicy:
            return brought.get(policy_id) or self._library.read(policy_id)

        def card_of(policy_id: str) -> PolicyCard:
            return cards.get(policy_id) or directory.by_id[policy_id]

        chain = self._chain.within(self._route, opened).extractive()
        return comparing.answer_each(asked, routes, chain.ask_routed, card_of)

    def label(self, scope: str) -> Label:
        """A policy at a glance: what it says about each standard question, from the same chain as every answer.

        It is made when it is first asked for, and kept with the index.

        Raises:
            UnknownScope: nothing indexed is called so.
            IndexProblem: the index has become unreadable.
        """
        source = self.policy(scope)
        whole = self._whole or self
        return self._labels.label(
            source, lambda: label_of(source, whole._chain.extractive().ask), lambda: whole._current().by_id
        )

    def changes(self, older: str, newer: str, about: str | None = None) -> Changes:
        """What became of every sentence of a policy from one version to another, each side a verified citation.

        Args:
            older: a version of a site.
            newer: another one; they are taken in the order of their dates, whichever is named first.
            about: only changes on this topic, in a few words, e.g. "cookies".

        Raises:
            UnknownScope: a scope names no indexed policy.
            UsageError: the two are the same version, or of different sites.
            IndexProblem: the index has become unreadable.
        """
        before, after = sorted((self.policy(older), self.policy(newer)), key=lambda each: each.policy.archived_on)
        if before.policy.domain != after.policy.domain:
            raise UsageError(
                f"{before.policy.id} and {after.policy.id} are policies of different sites: name two versions of one."
            )
        if before.policy.id == after.policy.id:
            raise UsageError(
                f"Both are {before.policy.id}: name two versions, e.g. {before.policy.domain}@YYYY-MM-DD;"
                " `fineprint policies list` shows them."
            )
        changes = self._differ(before, after)
        return lookback.changes_about(changes, about, before, after) if about and about.strip() else changes

    @property
    def generation(self) -> int:
        """Grows whenever the index changes: what was answered at the same number is answered the same again."""
        return self._library.generation()

    # --- looking things up --------------------------------------------------------------------------------------------

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        """The indexed policies whose company or domain matches, all of them for an empty query."""
        directory = self._current()
        if query.strip():
            return directory.finder.search(query, limit)
        return directory.cards[:limit]

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
        if self._writer is not None:
            self._writer.warm_up()
        self._current()

    def close(self) -> None:
        """Releases the index."""
        if self._whole is not None:
            return
        if self._recall:
            self._recall.close()
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

    def _answered(self, question: Question, *, plain: bool) -> Generator[Step, None, None]:
        """The steps of an answer; of one that was given a moment ago only the last."""
        chain = self._chain.extractive() if plain else self._chain
        if self._recall is None:
            yield from chain.stream(question)
            return
        only = None if self._whole is None else self._only
        asked = Recalled(question, self.generation, only, plain)
        if known := self._recall.find(asked):
            yield known
            return
        with closing(chain.stream(question)) as steps:
            for step in steps:
                if isinstance(step, Answer):
                    self._recall.keep(asked, step)
                yield step

    def _current(self) -> _Directory:
        generation = self._library.generation()
        known = self._directory
        if known is not None and known.generation == generation:
            return known
        if self._whole is None:
            cards, scope = self._library.cards(), self._settings.scope
        else:
            cards = tuple(card for card in self._whole._current().cards if card.domain in self._only)
            scope = next(iter(self._only)) if len(self._only) == 1 else None
        fresh = _Directory(
            generation=generation,
            cards=cards,
            by_id={card.id: card for card in cards},
            router=Router(cards, scope=scope),
            finder=Finder(cards),
        )
        self._directory = fresh
        return fresh

    def _route(self, question: Question) -> Route:
        router = self._current().router
        if self._whole is not None:
            named = self._whole._current().router.named(question.text)
            if named is not None and not self._only.intersection(named.domains):
                return router.unknown(question.text, named.text)
        return router.route(question)

    def _route_in(self, question: Question, source: IndexedPolicy) -> Route | None:
        """The route to a policy that is not indexed; None where the question is about another."""
        card = _card_of(source)
        route = Router((card,), scope=card.id).route(question)
        mine = route.named is not None and route.status is None
        if not mine and self._current().router.is_about_named(question.text):
            return None
        if route.status is Status.UNKNOWN_COMPANY:
            known = fold(source.policy.text, casefold=True).text
            if source.policy.aliases and fold(route.named or "", casefold=True).text not in known:
                return None
            # A policy that is nobody's may be anybody's, and who is named in it may be whose it is.
            route = Router((card,)).route(replace(question, scope=card.id))
        return replace(route, policies=(card.id,)) if route.status is None else route

    def _compare(
        self, question: Question, route: Route, answer_one: Callable[[Question, Route], Answer]
    ) -> Iterator[int | Answer]:
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

    def _look_back(
        self,
        question: Question,
        route: Route,
        answer_one: Callable[[Question, Route], Answer],
        open_policy: Callable[[str], IndexedPolicy],
    ) -> Answer:
        means = lookback.Means(answer_one, open_policy, self._retriever.rank, self._differ)
        return lookback.look_back(question, route, means)

    def _differ(self, older: IndexedPolicy, newer: IndexedPolicy) -> Changes:
        """The changes between two versions; the last ones are kept, because a page of them is looked at for a while."""
        key = (older.policy.content_hash, newer.policy.content_hash)
        with self._lock:
            known = self._differences.pop(key, None)
            if known is not None:
                self._differences[key] = known
                return known
        made = changes_between(older, newer)
        with self._lock:
            self._differences[key] = made
            while len(self._differences) > _KEPT_DIFFERENCES:
                self._differences.pop(next(iter(self._differences)))
        return made

    def _worth_comparing(self, route: Route, most: int) -> tuple[str, ...]:
        """The policies whose passages are nearest to the question, by the index over all policies."""
        allowed = set(route.policies)
        vector = self._retriever.vector(route)
        found: dict[str, None] = {}
        for hit in self._passage_index().search(vector, most * 20):
            if hit.policy_id in allowed:
                found.setdefault(hit.policy_id)
        return tuple([*found, *(p for p in route.policies if p not in found)][:most])

    def _passage_index(self) -> PassageSearch:
        if self._whole is not None:
            return self._whole._passage_index()
        with self._lock:
            if self._passages is None:
                self._passages = open_search(self._settings, self._library)
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
            raise NotEnglish("Questions are understood in English only, as the policies are: ask in English.")
        history = tuple(entry.strip()[:limit] for entry in question.history if entry.strip())
        kept = history[len(history) - self._settings.history :] if self._settings.history else ()
        return Question(text=text, history=kept, scope=question.scope, as_of=question.as_of, id=question.id)


def _rewriter_with(model: ChatModel) -> Rewriter:
    """What has a chat model say what is asked."""
    from qa.rewriting import ModelRewriter

    return ModelRewriter(model)


def _writer_with(model: ChatModel, settings: Settings) -> Writer:
    """What has a chat model put answers into words."""
    from qa.generating import GroundedWriter
    from qa.supporting import SupportCheck

    entailment = BundledEntailment(settings.cache, threads=settings.threads)
    return GroundedWriter(model, SupportCheck(entailment))


def _card_of(source: IndexedPolicy) -> PolicyCard:
    """The card of a policy that is not indexed; one without aliases is found by no name."""
    policy = source.policy
    return PolicyCard(
        id=policy.id,
        domain=policy.domain,
        archived_on=policy.archived_on,
        company=policy.company if policy.aliases else policy.domain,
        aliases=policy.aliases,
        url=policy.url,
        characters=len(policy.text),
        passages=len(source.passages),
        warnings=policy.warnings,
    )


def _is_foreign(text: str) -> bool:
    """Whether a question is clearly not English: another script, or another language and no English word."""
    letters = [char for char in text if char.isalpha()]
    if letters and sum("LATIN" not in unicodedata.name(char, "") for char in letters) > len(letters) / 2:
        return True
    words = [word.lower() for word in _WORD.findall(text)]
    if any(word in _ENGLISH_WORDS for word in words):
        return False
    return any(word in _FOREIGN_ALONE for word in words) or sum(word in _FOREIGN_WORDS for word in words) >= 2
