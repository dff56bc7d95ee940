"""Does a stretch of a policy prove a sentence that a chat model wrote? Rules that fail closed, then a trained model.

A rule looks for one thing that makes a claim say more, or other, than its text: a number, a name, a party or a kind of
data that the text does not have, a negation or a condition too many or too few, "all" for "some", "will" for "may".
What passes the rules is read by the model of entailment. Both must agree; the rules never make up for the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

from qa.entailing import Entailment, posed
from qa.text import content_words, plain, without_markup
from qa.wording import FUNCTION_WORDS, SELL, VERBS, base_form, is_common

__all__ = ["OBJECTIONS", "Support", "SupportCheck", "objections"]

LEAST_PROBABILITY = 0.86
"""A claim is taken for proven from here on; chosen on policies that training did not see (qa/models/README.md)."""
LEAST_PROBABILITY_OF_NEW = 0.95
"""The same for a claim with a word that neither its text nor the question has: refusing all of these would let as many
untrue claims through on the policies held out, and a third as many honest ones (docs/models.md)."""
LEAST_SHARED = 0.25
"""So much of what a claim says must stand in its text in the same words, or words of the same stem."""
NEAR = 0.7
"""A clause of the text that has so much of a claim's clause speaks of the same thing."""


@dataclass(frozen=True, slots=True)
class Support:
    """What the check makes of a claim.

    Attributes:
        holds: the text proves it.
        probability: what the model of entailment makes of it; 0 where a rule has objected already.
        reasons: what speaks against it, names out of ``OBJECTIONS`` or "unproven"; empty if it holds.
    """

    holds: bool
    probability: float
    reasons: tuple[str, ...] = ()


class SupportCheck:
    """Says whether evidence proves a claim. Thread-safe."""

    def __init__(self, entailment: Entailment, *, least: float = LEAST_PROBABILITY) -> None:
        """
        Args:
            entailment: reads what has passed the rules.
            least: probability from which on a claim is taken for proven.
        """
        self._entailment = entailment
        self._least = least

    def check(
        self, claim: str, evidence: Sequence[str], *, question: str, company: str, lead_ins: Sequence[str] = ()
    ) -> Support:
        """Whether the evidence fully proves the claim; never raises an error for what a claim says.

        Args:
            claim: a sentence in answer to the question.
            evidence: sentences of the policy.
            question: what was asked.
            company: whose policy it is; may be empty.
            lead_ins: what leads in list items among the evidence.
        """
        # A lead-in and its items are one sentence: "We do not: sell your data" denies the item.
        said_there = [" ".join([*lead_ins, *evidence])] if lead_ins else evidence
        proof = [text for text in map(without_markup, said_there) if text]
        said = " ".join(claim.split())
        if not proof or not content_words(said):
            return Support(holds=False, probability=0.0, reasons=("unproven",))
        if against := objections(said, proof, question=question, company=company):
            return Support(holds=False, probability=0.0, reasons=against)
        probability = self._entailment.supports([posed(said, question)], [" ".join(proof)])[0]
        new = has_new_words(said, proof, question=question, company=company)
        if not probability >= (max(self._least, LEAST_PROBABILITY_OF_NEW) if new else self._least):
            return Support(holds=False, probability=probability, reasons=("unproven",))
        return Support(holds=True, probability=probability)

    def warm_up(self) -> None:
        """Loads the model."""
        self._entailment.warm_up()


def objections(claim: str, proof: Sequence[str], *, question: str, company: str) -> tuple[str, ...]:
    """The names of the rules that a claim breaks, out of ``OBJECTIONS``.

    Args:
        claim: a sentence in answer to the question.
        proof: sentences of the policy without markup, with their lead-ins.
        question: what was asked; a claim may repeat its names and words.
        company: whose policy it is.
    """
    said = _Said(claim, tuple(proof), question, company)
    return tuple(name for name, broken in OBJECTIONS.items() if broken(said))


def has_new_words(claim: str, proof: Sequence[str], *, question: str, company: str) -> bool:
    """Whether a word of a claim that carries meaning is neither in its proof nor asked about; everyday words aside."""
    said = _Said(claim, tuple(proof), question, company)
    asked = frozenset(content_words(said.question))
    strange = said.stems - said.proof_stems - asked - _EVERYDAY - _NUMERALS
    return any(not stem.isdigit() for stem in strange)


@dataclass(frozen=True)
class _Said:
    """A claim beside its proof, in the forms that the rules look at."""

    written: str
    proof: tuple[str, ...]
    question: str
    company: str

    @cached_property
    def claim(self) -> str:
        """In lower case, without "Yes," or "No," before it."""
        return _PARTICLE.sub("", plain(self.written))

    @cached_property
    def text(self) -> str:
        """The proof in lower case."""
        return plain(" ".join(self.proof))

    @cached_property
    def stems(self) -> frozenset[str]:
        """Of the claim, without what every policy and answer says."""
        return _content(self.claim) - _EVERYDAY - _content(self.company)

    @cached_property
    def proof_stems(self) -> frozenset[str]:
        """Of the proof."""
        return _content(self.text)

    @cached_property
    def clauses(self) -> tuple[str, ...]:
        """Of the claim."""
        return _clauses(self.claim)

    @cached_property
    def proof_clauses(self) -> tuple[str, ...]:
        """Of the proof."""
        return tuple(clause for text in self.proof for clause in _clauses(plain(text)))


_PARTICLE = re.compile(
    r"^\W*(?:yes|no|correct|right|indeed|not (?:really|quite|exactly|always|necessarily))\b\s*[,.:;!–—-]\s*"
)
_CLAUSE_END = re.compile(
    r"[.;!?]\s|\s[-–—]\s|,\s*(?:but|however|although|though|while|whereas|and (?:it|they|we|you|the)|which|so|nor)\b"
    r"|\b(?:but|however|although|whereas|otherwise|or else)\b"
    # "If you do not want this, you can …": what is said stands behind.
    r"|,\s*(?=(?:you|we|it|they|please|simply)\b)|\s(?=(?:you|we) (?:can|may|should|must|will)\b)"
)
_EVERYDAY = frozenset(
    content_words(
        "yes no policy says said according site website company service services users user visitors information data"
        " details personal personally own also well get one other kind kinds case way thing things say state states"
        " need tick bind online login logout signup mailing cannot never always don doesn didn won isn aren t s"
    )
)


@lru_cache(maxsize=2_000)
def _content(text: str) -> frozenset[str]:
    """The stems of the words that carry the topic; "sold" has that of "sell"."""
    return frozenset(content_words(re.sub(r"[a-z]+", _regular, text)))


def _regular(match: re.Match[str]) -> str:
    word = match.group()
    base = base_form(word)
    return base if base and not word.startswith(base[:3]) else word


def _clauses(text: str) -> tuple[str, ...]:
    return tuple(part for part in (each.strip() for each in _CLAUSE_END.split(text)) if content_words(part))


def _shared(clause: str, stems: frozenset[str]) -> float:
    """How much of a clause's content stands among the stems."""
    own = _content(clause) - _EVERYDAY
    return len(own & stems) / len(own) if own else 0.0


# --- numbers ----------------------------------------------------------------------------------------------------------

_UNITS = "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_IN_WORDS = {
    **{word: str(n) for n, word in enumerate(_UNITS, start=2)},
    **{word: str(n) for n, word in zip(range(20, 100, 10), _TENS, strict=True)},
    "seventeen": "17", "eighteen": "18", "nineteen": "19", "hundred": "100", "dozen": "12", "half": "1/2",
    "once": "once", "twice": "2", "double": "2",
}  # fmt: skip
_NUMBER = re.compile(rf"\d+(?:[.,:/]\d+)*|\b(?:{'|'.join(_IN_WORDS)})\b")
_COUNTED = re.compile(
    rf"(?P<number>\d+(?:[.,]\d+)*|\b(?:a|an|one|each|every|{'|'.join(_IN_WORDS)}))\)?[ -]*(?:\w+ )?"
    r"(?P<unit>second|minute|hour|day|week|month|year|decade|%|percent|dollar|euro|cent)s?\b"
)
_MONEY = re.compile(r"[$€£¥]|\b(?:dollars?|euros?|pounds?|cents?|usd|eur|gbp)\b")
_PERIOD = re.compile(
    r"\b(?:second|minute|hour|day|night|week|month|quarter|year|decade|annual|monthly|daily|weekly|yearly)"
)
_MONTH = re.compile(r"\b(?:january|february|april|june|july|august|september|october|november|december)\b")


def _numbers(text: str) -> set[str]:
    found = set()
    for match in _NUMBER.findall(text):
        value = _IN_WORDS.get(match, match)
        found.add(value.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+", value) else value)
    return found - {"once"}


def _other_number(said: _Said) -> bool:
    told = said.claim.replace(named, " ") if (named := plain(said.company)) else said.claim  # it may have a number
    if _numbers(told) - _numbers(said.text):
        return True
    counted = {(_IN_WORDS.get(m["number"], m["number"]), m["unit"]) for m in _COUNTED.finditer(said.claim)}
    known = {(_IN_WORDS.get(m["number"], m["number"]), m["unit"]) for m in _COUNTED.finditer(said.text)}
    if any(pair not in known for pair in counted if pair[0].isdigit()) and known:
        return True
    return any(set(p.findall(said.claim)) - set(p.findall(said.text)) for p in (_MONEY, _MONTH)) or bool(
        set(_PERIOD.findall(said.claim)) - set(_PERIOD.findall(said.text)) - {"second"}
    )


# --- names ------------------------------------------------------------------------------------------------------------

_ADDRESS = re.compile(r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.-]+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b(?:/\S*)?", re.I)
_PHONE = re.compile(r"\+?\(?\d[\d ().-]{6,}\d")
_OPENING = re.compile(r"(?:^|[.!?:;]\s+|[\"“(]\s*)(?:(?:Yes|No)\b[,.:]?\s+)?$")
_NO_NAMES = frozenset("i yes no ok id ip pdf url faq tv pc sms us".split())


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_ENDING = re.compile(r"['’](?:s|re|ve|ll|d|m|t)$|n['’]t$")


def _ordinary(word: str) -> bool:
    word = _ENDING.sub("", word)
    plain_form = re.sub(r"^(?:un|re|non-?|mis|over|pre)(?=[a-z]{4})", "", word)
    known = any(each in FUNCTION_WORDS or each in VERBS or is_common(each) for each in (word, plain_form))
    return known or frozenset(content_words(word)) <= _EVERYDAY


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


def _other_name(said: _Said) -> bool:
    """An address, a telephone number, a name or a word that is no everyday word, from nowhere."""
    addresses = _squeezed(f"{said.text} {plain(said.company)}")
    if any(_squeezed(plain(match.group().rstrip(".,;"))) not in addresses for match in _ADDRESS.finditer(said.written)):
        return True
    digits = re.sub(r"\D", "", said.text)
    if any(re.sub(r"\D", "", match.group()) not in digits for match in _PHONE.finditer(said.written)):
        return True
    known = f"{said.text} {plain(said.company)} {plain(said.question)}"
    words, stems = _squeezed(known), frozenset(content_words(known))
    for match in _WORD.finditer(_ADDRESS.sub(" ", said.written)):
        word = match.group()
        low = plain(word)
        if (
            low in _NO_NAMES
            or _squeezed(low) in words
            or (low.isascii() and frozenset(content_words(_ENDING.sub("", low))) <= stems)
        ):
            continue
        named = not word.islower() and not (_OPENING.search(said.written[: match.start()]) and word[1:].islower())
        if named or not _ordinary(low):
            return True
    return False


# --- polarity, conditions, absolutes, modality ------------------------------------------------------------------------

_NEGATION = re.compile(
    r"\b(?:not|never|no|nor|neither|none|nobody|nothing|cannot|without|unless|unable|refus\w+|declin\w+|prohibit\w*|"
    r"refrain\w*|forbid\w*|forbidden|prevent\w*|avoid\w*|stop\w*|except|only|solely|limited|instead|rather|lack\w*|"
    r"disclaim\w*|opt[- ]out|free (?:of|from)|before|until|remov\w+|delet\w+|disabl\w+|reject\w*|block\w*|withdr\w+)\b"
    r"|n['’]t\b|\b(?:un|in|non-|dis)(?:authori[sz]ed|identifi\w+|encrypted|able|secure|affiliated)\b"
)
_PLAIN_NEGATION = re.compile(
    r"\b(?:not(?! only| all| every)|never|no|nor|neither|none|nobody|nothing|cannot)\b|n['’]t\b"
)


def _other_polarity(said: _Said) -> bool:
    """A clause of the claim that is as good as one of the text, but for a negation."""
    if _denied_otherwise(said):
        return True
    for clause in said.clauses:
        own = _content(clause) & said.stems
        if len(own) < 2:
            continue
        near = [(_overlap(own, other), other) for other in said.proof_clauses if _overlap(own, other) >= NEAR]
        if not near:
            continue
        best = max(share for share, _ in near)
        if all(_turned(clause, other) for share, other in near if share == best):
            return True
    return False


_DENIER = re.compile(
    r"\b(?:not(?! only| all| every)|never|nor|neither|cannot|no (?:longer|way|right|authority|intention))\b|n['’]t\b"
)
_WORD_OF = re.compile(r"[a-z]+(?:['’]t)?")


def _denied_otherwise(said: _Said) -> bool:
    """A verb of the claim is denied where the text affirms it each time, or the other way round."""
    if _LIMIT.search(said.text) and _LIMITED.search(said.claim):
        return False  # "not unless you agree" and "if you agree" say the same
    known: dict[str, set[bool]] = {}
    for clause in said.proof_clauses:
        for verb, denied in _verbs(clause):
            known.setdefault(verb, set()).add(denied)
    return any(denied not in known.get(verb, {denied}) for clause in said.clauses for verb, denied in _verbs(clause))


def _verbs(clause: str) -> list[tuple[str, bool]]:
    """The verbs of practice in a clause, each with whether a negation stands before it."""
    first = _DENIER.search(clause)
    found = []
    for match in _WORD_OF.finditer(clause):
        verb = base_form(match.group())
        if verb in SELL:
            found.append((verb, bool(first and first.start() < match.start())))
    return found


def _overlap(own: frozenset[str], clause: str) -> float:
    return len(own & _content(clause)) / len(own)


def _turned(clause: str, other: str) -> bool:
    """Whether just one of two clauses denies, and nothing in the other does in other words."""
    negative = bool(_PLAIN_NEGATION.search(clause))
    if negative == bool(_PLAIN_NEGATION.search(other)):
        return False
    with_it, without = (clause, other) if negative else (other, clause)
    return not set(_NEGATION.findall(without)) - set(_NEGATION.findall(with_it))


_CONSENT = r"(?:consent|permission|approv|authori[sz]|agree|opt|ask|accept|choos|choice|allow|elect|request)"
_LIMIT = re.compile(
    rf"\b(?:unless|except(?:ion)?s?|other than|only(?! for)|solely|provided that|"
    rf"with(?:out)? (?:\w+ ){{0,4}}(?:consent|permission|approval|authori[sz]ation|agreement)|"
    rf"if (?:you|the user|users|a user|we have) (?:\w+ ){{0,3}}{_CONSENT}\w*|subject to|until)\b"
)
_LIMITED = re.compile(
    rf"\b(?:unless|except\w*|other than|apart from|aside from|only|solely|just|if|when\w*|where\w*|once|provided|"
    rf"without|subject to|until|before|after|some|certain|cases?|circumstances|depend\w*|but|however|although|though|"
    rf"must|as long as|need\w*|requir\w*|limited|should|voluntar\w*|optional\w*|wish\w*|prefer\w*|nothing|no other|"
    rf"{_CONSENT}\w*)\b"
)


def _condition_dropped(said: _Said) -> bool:
    """The sentence that a claim tells holds only in some cases, and the claim in all."""
    if _LIMITED.search(said.claim):
        return False
    best = max(said.proof, key=lambda text: _shared(said.claim, _content(text)))
    return bool(_LIMIT.search(plain(best)))


_CLAIMED_CONDITION = re.compile(
    r"\b(?:only (?:if|when|where|after|once)|if|unless|provided(?: that)?|as long as|so long as|"
    r"except (?:if|when|where|for))\s(?P<clause>[^,.;:]+)"
)
_AGREEING = re.compile(rf"\b{_CONSENT}")


def _condition_added(said: _Said) -> bool:
    """A condition of the claim of which the text says nothing."""
    asked = frozenset(content_words(said.question))
    for match in _CLAIMED_CONDITION.finditer(said.claim):
        clause = match["clause"]
        own = _content(clause) - _EVERYDAY
        strange = own and 2 * len(own & (said.proof_stems | asked)) < len(own)
        if strange and not (_AGREEING.search(clause) and _AGREEING.search(said.text)):
            return True
    return False


def _pairs(
    table: Mapping[str, tuple[str, str]], before: str, end: str
) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """What a claim says, and what of the same kind its text must have for it, as patterns."""
    return tuple(
        (re.compile(rf"{before}\b(?:{claimed}){end}"), re.compile(rf"\b(?:{like}){end}"))
        for claimed, like in table.values()
    )


_ABSOLUTE = _pairs(
    {
        "never": (
            r"never|ever|at no time|under no circumstances|at all",
            r"never|ever|under no|at no|no (?:event|case|circumstances?)|strictly",
        ),
        "always": (
            r"always|every time|without exception|in all cases|at all times|invariably",
            r"always|every|all|any|each|whenever",
        ),
        "all": (
            r"all|every|everything|everyone|everybody|each|entire|whole|entirely|completely|fully|totally|whatever",
            (
                r"all|every|everything|everyone|each|entire|whole|entirely|completely|fully|full|any|complete|both|"
                r"whatsoever|totally|none"
            ),
        ),
        "any": (
            r"any(?! time\b)|anything|anyone|anybody|whoever|whatever",
            r"any|anything|anyone|anybody|no|nothing|none|nor|all|every|whatsoever|each",
        ),
        "nobody": (
            r"nobody|no one|no-one|none|no other",
            r"nobody|no one|no|none|not|never|neither|nor|any|anyone|only|solely",
        ),
        "only": (
            r"only|solely|exclusively|purely|nothing but|just|merely|sole",
            (
                r"only|solely|exclusively|limited|unless|except|other than|not|no|never|must|purely|just|sole|"
                r"necessary|until|without|require[sd]?|restrict\w*|strictly|merely|prior|first|need|once|if"
            ),
        ),
        "guaranteed": (
            r"guarantee\w*|promise\w*|ensure\w*|certain to|absolutely|100 ?%|perfectly|completely secure",
            (
                r"guarantee\w*|promise\w*|ensure\w*|warrant\w*|assure\w*|commit\w*|100 ?%|never|undertake\w*|"
                r"absolute\w*|perfect\w*"
            ),
        ),
        "regardless": (
            (
                r"immediate|immediately|instantly|at once|straight away|right away|forever|permanent|permanently|"
                r"indefinitely|irrevocably|automatically|regardless|whether or not|no matter|even if|even when|"
                r"even without"
            ),
            (
                r"immediate|immediately|instantly|at once|promptly|forever|permanent|permanently|indefinite|"
                r"indefinitely|automatically|automatic|regardless|whether or not|no matter|even|irrevocabl[ey]|"
                r"as soon as"
            ),
        ),
    },
    r"(?<!not )",
    r"\b",
)


def _absolute(said: _Said) -> bool:
    return any(claimed.search(said.claim) and not like.search(said.text) for claimed, like in _ABSOLUTE)


_PERHAPS = re.compile(r"\b(?:may|might|could|can|possibly|perhaps|sometimes|potentially)\b")
_SURELY = re.compile(
    r"\b(?:will|shall|must|always|has to|have to|is going to|definitely|certainly|required to|obliged to)\b"
    r"|[a-z]['’]ll\b"
)
_DUTY = re.compile(
    r"\b(?:must|shall|requir\w*|have to|has to|need\w*|oblig\w*|mandatory|necessary|should|only|unless|cannot|"
    r"condition)\b"
)
_MUST = re.compile(r"\b(?:must|have to|has to|obliged to|required to|mandatory|compulsory)\b")


def _surer(said: _Said) -> bool:
    if _SURELY.search(said.claim) and not _SURELY.search(said.text):
        return True
    if _MUST.search(said.claim) and not _DUTY.search(said.text):
        return True
    for clause in said.clauses:
        own = _content(clause) - _EVERYDAY
        if own and _SURELY.search(clause) and not _PERHAPS.search(clause):
            near = [other for other in said.proof_clauses if _overlap(own, other) >= NEAR]
            if near and all(_PERHAPS.search(other) and not _SURELY.search(other) for other in near):
                return True
    return False


# --- who does what ----------------------------------------------------------------------------------------------------

_HELPERS = (
    r"(?:(?:may|might|will|can|could|shall|should|must|would|do|does|did|are|is|have|has|also|not|never|only|always|"
    r"then|sometimes|automatically|generally|to|be|able|allowed|required|permitted|asked|cannot|currently|"
    r"knowingly)\s+){0,5}"
)
_OTHERS = (
    r"(?:\w+[ -]){0,2}?(?:parties|party|partners?|advertisers?|companies|businesses|networks?|affiliates?|providers?|"
    r"vendors?|contractors?|agents?|agency|agencies|processors?|recipients?|merchants?|retailers?|sponsors?|"
    r"organi[sz]ations|employees|authorities|police|court|google|facebook|others)"
)
_COMPANY_ACTS = r"(?:we|this (?:site|website|company|policy)|the (?:site|website|company))"
_USER_ACTS = (
    r"(?:you|users|visitors|customers|members|a user|a visitor|the user|your child|children|parents|subscribers)"
)
_ACTS = {
    who: re.compile(
        rf"(?:^|(?<=[\s(]))(?:the |our |its |their |some |these |such |other |those )?{subject}\s+"
        rf"(?P<helpers>{_HELPERS})(?:(?:the|a|an|any|certain)\s+)?(?P<verb>[a-z]+)"
    )
    for who, subject in (("company", _COMPANY_ACTS), ("user", _USER_ACTS), ("others", _OTHERS))
}
_NOT_VERBS = frozenset(
    content_words("that which who and or for of in on with by from as if when where under over such")
)
_BEING = re.compile(r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+\s+)?$")
_SUBORDINATE = re.compile(
    r"\b(?:if|when|whenever|where|wherever|unless|until|before|after|once|while|because|as|since|should|whether)\s+$"
)
_BIDDEN = re.compile(
    r"\b(?P<verb>requir|oblig|allow|permit|ask|enabl|let|help|forc|compel|encourag|authori[sz])\w* "
    r"(?P<whom>us|we|you|them|it)\b"
)


@dataclass(frozen=True, slots=True)
class _Act:
    """Somebody does something, or has it done to them, perhaps only in a subordinate clause."""

    who: str
    passive: bool
    subordinate: bool


def _other_actor(said: _Said) -> bool:
    """The claim has somebody do what the text has somebody else do, or has done to them."""
    by_verb: dict[str, set[_Act]] = {}
    for verb, act in _acts(_without_asides(said.text), said.company):
        by_verb.setdefault(verb, set()).add(act)
    # What is claimed of "it" is claimed of the company, as the model is told to write.
    for verb, act in _acts(re.sub(r"\bit\b", "we", said.claim), said.company):
        known = by_verb.get(verb)
        alike = {each for each in known or () if (each.who, each.passive) == (act.who, act.passive)}
        if known and not alike:
            return True
        # "When we change it, we tell you" does not say that it is changed.
        if alike and not act.subordinate and all(each.subordinate for each in alike):
            return True
    bidden = _bidden(said.text, said.company)
    return any(verb in dict(bidden) and (verb, whom) not in bidden for verb, whom in _bidden(said.claim, said.company))


def _without_asides(text: str) -> str:
    return re.sub(r"\([^)]*\)\s*", "", text)


def _by_us(text: str, company: str) -> str:
    """A text in which the company says "we" of itself."""
    named = plain(company)
    return re.sub(rf"(?<![\w.]){re.escape(named)}(?![\w.])(?!['’]s)", "we", text) if named else text


def _acts(text: str, company: str) -> Iterator[tuple[str, _Act]]:
    """What is done in a text, as stems, each with who does it."""
    text = _by_us(text, company)
    for who, pattern in _ACTS.items():
        for match in pattern.finditer(text):
            passive = bool(_BEING.search(match["helpers"])) and match["verb"].endswith(("ed", "en", "wn"))
            act = _Act(who, passive, bool(_SUBORDINATE.search(text[: match.start()])))
            yield from ((stem, act) for stem in content_words(match["verb"]) if stem not in _NOT_VERBS)


def _bidden(text: str, company: str) -> set[tuple[str, str]]:
    """Whom a text has asked, allowed or made to do something."""
    return {
        (match["verb"], "you" if match["whom"] == "you" else "them" if match["whom"] == "them" else "us")
        for match in _BIDDEN.finditer(_by_us(text, company))
    }


# --- what is spoken of ------------------------------------------------------------------------------------------------

_THINGS = _pairs(
    {
        "sale": (r"sell|sold|selling|sale\b", r"sell|sold|selling|sale|rent|trade|market|monet|leas|transfer"),
        "law": (
            r"law\b|laws\b|legal|court|police|subpoena|government",
            r"law|legal|court|police|subpoena|government|authorit|enforce|regulat|complian|comply|agenc",
        ),
        "consent": (
            r"consent|permission",
            r"consent|permission|agree|opt|approv|authori|choose|choice|elect|ask|permit|accept|request|allow|verif",
        ),
        "advertising": (r"advertis|ads?\b", r"advertis|ads?\b|marketing|promot|sponsor|commercial|adserv"),
        "money": (
            r"card|credit|bank|payment|billing",
            r"card|credit|bank|payment|billing|pay|financial|charge|purchas|order|transaction|debit|account",
        ),
        "health": (r"health|medical", r"health|medical|patient|hipaa|clinical|prescri"),
        "identity": (r"social security|ssn|passport", r"social security|ssn|passport|governm|identif"),
        "location": (r"gps|geolocation|location", r"gps|geo|locat|where you|address|region|country|city|place"),
        "password": (r"password", r"password|credential|log[- ]?in"),
        "children": (r"child|kids?\b|minor", r"child|kid|minor|under|age|young|student|parent|13|18|teen"),
        "encryption": (r"encrypt|ssl", r"encrypt|ssl|secure socket|tls|https|cipher|scrambl"),
        "deletion": (
            r"delet|eras",
            r"delet|eras|remov|destr|purg|wip|clear|cancel|unsubscrib|clos|dispos|retain|keep|discard",
        ),
        "employees": (
            r"employee|staff",
            r"employee|staff|personnel|people|team|agent|contractor|anyone|associat|worker|internal",
        ),
        "affiliates": (
            r"affiliat|subsidiar",
            r"affiliat|subsidiar|parent compan|related compan|group|famil|sister|corporate",
        ),
        "anonymity": (
            r"anonym|aggregat",
            (
                r"anonym|aggregat|de-?identif|non-?(?:personal|identif|ident)|not? (?:\w+ )*identif|statistic|"
                r"without (?:\w+ )*identif"
            ),
        ),
    },
    "",
    "",
)


def _other_thing(said: _Said) -> bool:
    return any(claimed.search(said.claim) and not like.search(said.text) for claimed, like in _THINGS)


ALIKE = 0.75
"""Clauses with so much of their words in the same order tell the same thing but for what differs."""


def _substituted(said: _Said) -> bool:
    """A clause that repeats the text's, with another word in the place of one of them."""
    company = frozenset(content_words(said.company))
    for clause in said.clauses:
        ours = [stem for stem in _told_stems(clause) if stem not in company]
        if len(ours) < 5:
            continue
        for text in said.proof:
            theirs = _told_stems(plain(text))
            matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
            blocks = [block for block in matcher.get_matching_blocks() if block.size]
            if sum(block.size for block in blocks) < max(4, ALIKE * len(ours)):
                continue
            for kind, a, b, c, d in matcher.get_opcodes():
                if kind != "replace" or b - a > 2 or d - c > 2:
                    continue
                new = set(ours[a:b]) - said.proof_stems - _EVERYDAY
                old = set(theirs[c:d]) - _EVERYDAY
                if new and old and _framed(ours, theirs, (a, b), (c, d)):
                    return True
    return False


def _told_stems(text: str) -> list[str]:
    digits = re.sub(r"[a-z]+", lambda match: _IN_WORDS.get(match.group(), match.group()), text)
    return [stem for stem in content_words(digits) if stem not in _LIMITING]


_LIMITING = frozenset(content_words("cannot never don doesn didn won isn aren without only unless except if when also"))


def _framed(ours: list[str], theirs: list[str], here: tuple[int, int], there: tuple[int, int]) -> bool:
    """Whether the words before and behind two stretches are the same."""
    before = here[0] == 0 or (there[0] > 0 and ours[here[0] - 1] == theirs[there[0] - 1])
    behind = here[1] == len(ours) or (there[1] < len(theirs) and ours[here[1]] == theirs[there[1]])
    return before and behind and (here[0] > 0 or here[1] < len(ours))


_PART_END = re.compile(r"[.;:!?]\s|,\s|\s[-–—]\s")
_STRANGE = 2
"""A part of a claim with at least so many words of its own must have one of them in the text."""


def _little_shared(said: _Said) -> bool:
    """Too few of the claim's words, or none of a part's, are in the text; the question's words count half."""
    if not said.stems:
        return False
    asked = frozenset(content_words(said.question))
    found = sum(1.0 if stem in said.proof_stems else 0.5 if stem in asked else 0.0 for stem in said.stems)
    if found < LEAST_SHARED * len(said.stems):
        return True
    parts = (_content(part) & said.stems for part in _PART_END.split(said.claim))
    return any(len(part) >= _STRANGE and not part & (said.proof_stems | asked) for part in parts)


# --- what is left out, and what is new --------------------------------------------------------------------------------

# What makes less of a sentence; a claim that leaves it out says more.
_HEDGES = tuple(
    re.compile(rf"\b(?:{group})")
    for group in (
        r"knowing|intentional|deliberate|actual knowledge",
        (
            r"current|(?:at|for) (?:this time|the present|the moment|present)|present(?:ly)?\b|"
            r"as of (?:now|today)|for now|now\b"
        ),
        (
            r"generally|in general|typical|usual|normally|ordinaril|primaril|mainly|most(?:ly)?\b|often|sometimes|"
            r"from time to time|"
            r"occasional|likely|(?:some|certain|limited|particular|specific)\b"
        ),
        (
            r"reasonabl|attempt|tr(?:y|ies|ying)\b|strive|endeavou?r|efforts?\b|seeks?\b|aims?\b|intends?\b|"
            r"hopes?\b|commercially"
        ),
        r"believe|belief|opinion|discretion|deem|determine|good faith",
        r"request|ask|apply|contact|appl(?:y|ies)",
        r"requir|oblig|compel|mandat|laws?\b|legal",
        r"learn|find out|know (?:about|how|more)|see how",
    )
)


_OFTEN = _HEDGES[2]


def _hedge_dropped(said: _Said) -> bool:
    """The sentence that a claim tells is hedged ("knowingly", "currently", "on request"), and the claim is not."""
    for clause in said.clauses:
        near = _nearest(clause, said)
        for hedge in _HEDGES:
            # "Advertisers might" says no more than "some advertisers may".
            kept = hedge.search(said.claim) or (hedge is _OFTEN and _PERHAPS.search(said.claim))
            if near and not kept and all(hedge.search(other) for other in near):
                return True
    return False


def _nearest(clause: str, said: _Said) -> list[str]:
    """The clauses of the text that have most of a claim's clause."""
    own = _content(clause) - _EVERYDAY
    if not own:
        return []
    shares = [(_overlap(own, other), other) for other in said.proof_clauses]
    best = max((share for share, _ in shares), default=0.0)
    return [other for share, other in shares if share == best] if best else []


_SOMEBODY_MAY = re.compile(r"(?<!you )\b(?:may|might|could)\b(?! not)")
_MAYBE = re.compile(
    r"\b(?:may|might|could|can|sometimes|occasionally|possibl[ey]|permit\w*|able|reserves?|unless|if|when|only)\b"
)
_PAST = re.compile(
    r"\b(?:was|were|did|had|previously|formerly|in the past|used to|ago)\b"
    r"|\b(?:has|have|['’]ve) (?:(?:not|never|always|already|also|ever) )?"
    r"(?:been|[a-z]+(?:ed|old|ept|ent|iven|ade|own|hown|aken))\b"
)
_UNDER_MAY = 3
_FUTURE = re.compile(r"\b(?:will|shall|won['’]t|going to)\b|[a-z]['’]ll\b")


def _other_time(said: _Said) -> bool:
    """The claim tells what was done or will be done, and the text does not; or it leaves "may" out, or adds it."""
    if any(time.search(said.claim) and not time.search(said.text) for time in (_PAST, _FUTURE)):
        return True
    if _SOMEBODY_MAY.search(said.claim) and not _MAYBE.search(said.text):
        return True
    if _PERHAPS.search(said.claim):
        return False
    perhaps, surely = set[str](), set[str]()
    for clause in said.proof_clauses:
        at = 0
        for match in _SOMEBODY_MAY.finditer(clause):
            behind = content_words(clause[match.end() :])
            perhaps |= set(behind[:_UNDER_MAY])
            surely |= _content(clause[at : match.start()]) | set(behind[_UNDER_MAY:])
            at = len(clause)
        surely |= _content(clause[at:])
    return bool(_content(said.claim) & perhaps - surely - _EVERYDAY)


_OWNED = re.compile(r"\b(?P<whose>your|our|its|[a-z]+['’]s?)\s+(?P<what>[a-z-]+(?:\s[a-z-]+)?)")


def _other_owner(said: _Said) -> bool:
    """What the text says is ours is yours in the claim, or the other way round."""
    known: dict[str, set[str]] = {}
    for whose, what in _owned(said.text):
        known.setdefault(what, set()).add(whose)
    return any(
        {whose, "its"}.isdisjoint(known.get(what, {whose}) - {"its" if whose == "your" else ""})
        for whose, what in _owned(said.claim)
    )


def _owned(text: str) -> Iterator[tuple[str, str]]:
    for match in _OWNED.finditer(text):
        whose = "your" if match["whose"] == "your" else "our"
        yield from ((whose, stem) for stem in content_words(match["what"]))


_COORDINATE = re.compile(r"\b(?:and/or|or|nor|and)\b|[,;:]|\([ivx\d]+\)")
_DENIED = re.compile(r"\b(?:not(?! only)|never|cannot|nor|neither|no)\b|n['’]t\b")


_SLIGHT = frozenset(
    content_words(
        "knowingly currently anyone anybody any potentially potential allow such time following below without"
    )
)


def _denial_widened(said: _Said) -> bool:
    """What is denied in the text is denied in the claim without a part of it, and so of more."""
    for clause in said.clauses:
        if not _DENIED.search(clause):
            continue
        own = _content(clause)
        for other in _nearest(clause, said):
            if not (denied := _DENIED.search(other)):
                continue
            parts = [content_words(part) for part in _COORDINATE.split(other[denied.end() :])]
            for n, part in enumerate(parts):
                theirs = set(part) - _EVERYDAY - _content(said.company) - _SLIGHT
                # The verb may be another, and what is joined to something else by "or" may be left out.
                alone = theirs - set(part[:1]) - set(part[-1:] if n + 1 < len(parts) else [])
                if theirs & own and alone - _content(said.claim):
                    return True
    return False


def _joined_otherwise(said: _Said) -> bool:
    """The claim has "and" where the text has "or" between the same words, or the other way round."""
    for match in re.finditer(r"\b(?:and|or)\b", said.claim):
        left, right = content_words(said.claim[: match.start()])[-1:], content_words(said.claim[match.end() :])[:1]
        if not left or not right:
            continue
        between = _between(said.text, left[0], right[0])
        if between and not any(match.group() in joints for joints in between):
            return True
    return False


def _between(text: str, left: str, right: str) -> list[set[str]]:
    """The joints between two words of a text, wherever one follows the other in the same sentence."""
    words = re.findall(r"[\w'’-]+|[.!?]", text)
    stems = [frozenset(content_words(word)) for word in words]
    found = []
    for n, stem in enumerate(stems):
        if left not in stem and right not in stem:
            continue
        wanted = right if left in stem else left
        joints: set[str] = set()
        for word, other in zip(words[n + 1 :], stems[n + 1 :], strict=True):
            if word in {".", "!", "?"}:
                break
            joints |= {{"nor": "or"}.get(word, word)} & {"and", "or"}
            if wanted in other:
                if joints:
                    found.append(joints)
                break
    return found


_ONLY = re.compile(r"\b(?:only|solely|exclusively|just|merely|purely|except(?:ion)?|unless|other than|apart from)\b")
_BOUND = re.compile(
    r"\b(?:only|solely|exclusively|just|merely|purely|except(?:ion)?|unless|other than|apart from|not|never|no|"
    r"without|if|when|until|must|"
    r"limited|strictly|necessary|requir\w+|provided|subject to|once)\b"
)
_REACH = 8


def _limit_elsewhere(said: _Said) -> bool:
    """What "only" or "unless" limits in the claim is not what is limited in the text."""
    limited = frozenset(
        stem for match in _BOUND.finditer(said.text) for stem in content_words(said.text[match.end() :])[:_REACH]
    )
    for match in _ONLY.finditer(said.claim):
        behind = content_words(said.claim[match.end() :])
        if behind and behind[0] not in limited:
            return True
    return False


_NUMERALS = frozenset(content_words(" ".join(_IN_WORDS)))  # they have a rule of their own


_IN_CASE = re.compile(
    r"\b(?:if|in the event|in case|as a result of|in connection with)\b(?! (?:and|or|not|so|any|necessary|possible|"
    r"you (?:do not |don['’]t |no longer |would )?"
    r"(?:want|wish|like|prefer|have|decide|choose|feel|need)|"
    r"we (?:decide|choose|make|change|update|modify|revise)))\s(?P<case>[^,.;:]+)"
)


def _case_left_out(said: _Said) -> bool:
    """The text speaks of a case that the claim does not speak of, or of only half of it."""
    best = plain(max(said.proof, key=lambda text: _shared(said.claim, _content(text))))
    for match in _IN_CASE.finditer(best):
        if not _LIMITED.search(said.claim) and not _content(match["case"]) - _EVERYDAY <= said.stems:
            return True
        for part in re.split(r"\band\b", match["case"]):
            theirs = _content(part) - _EVERYDAY
            if theirs and not theirs & _content(said.claim):
                return True
    return False


def _kind_left_out(said: _Said) -> bool:
    """The claim speaks of messages where the text speaks of marketing messages only."""
    kinds: dict[str, set[str]] = {}
    for match in _COMPOUND.finditer(said.text):
        of, what = content_words(match["of"])[-1:], content_words(match["what"])[-1:]
        if what and what[0] in said.stems:
            kinds.setdefault(what[0], set()).add(of[0] if of and match["of"] not in VERBS else "")
    return any("" not in of and of.isdisjoint(said.stems | _EVERYDAY | _content(said.company)) for of in kinds.values())


_COMPOUND = re.compile(
    r"(?P<of>[a-z-]+)\s+(?P<what>(?:"
    r"messages?|e-?mails?|communications?|newsletters?|cookies|parties|products?|purposes?|services?|numbers?|addresses))\b"
)


_FRAME = re.compile(
    r"\b(?P<place>from|of|to|with|by|for|on|in|through)\s+(?:(?:the|a|an|your|our|its|their|any|online|other)\s+)*"
    r"(?P<what>[a-z-]+)"
)
_DONE_BY = re.compile(
    r"\b(?P<verb>[a-z]+(?:ed|en|ld|de|nt|wn))\s+by\s+(?:(?:the|a|an|your|our|its|their|any)\s+)*(?P<who>[a-z-]+)"
)


def _places_swapped(said: _Said) -> bool:
    """Two things have changed places: "from services … of sessions", or who does it for what it is done to."""
    ours, theirs = _frames(said.claim), _frames(said.text)
    for place, what in ours - theirs:
        elsewhere = any(other == what for _, other in theirs)
        displaced = {other for at, other in theirs - ours if at == place} & said.stems
        if elsewhere and displaced:
            return True
    told = content_words(said.claim)
    for match in _DONE_BY.finditer(said.text):
        verb, who = content_words(match["verb"]), content_words(match["who"])
        if not (verb and who and verb[0] in told) or _DONE_BY.search(said.claim):
            continue
        if who[0] in told[told.index(verb[0]) + 1 :] and who[0] not in told[: told.index(verb[0])]:
            return True
    return False


def _frames(text: str) -> set[tuple[str, str]]:
    return {(match["place"], stem) for match in _FRAME.finditer(text) for stem in content_words(match["what"])}


OBJECTIONS: Mapping[str, Callable[[_Said], bool]] = {
    "number": _other_number,
    "name": _other_name,
    "polarity": _other_polarity,
    "condition": _condition_dropped,
    "added condition": _condition_added,
    "absolute": _absolute,
    "modality": _surer,
    "actor": _other_actor,
    "thing": _other_thing,
    "substitution": _substituted,
    "words": _little_shared,
    "hedge": _hedge_dropped,
    "time": _other_time,
    "owner": _other_owner,
    "widened": _denial_widened,
    "joint": _joined_otherwise,
    "limit": _limit_elsewhere,
    "case": _case_left_out,
    "kind": _kind_left_out,
    "places": _places_swapped,
}
"""The rules by name."""
