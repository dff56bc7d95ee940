"""Yes/no questions made from policy sentences by rule, so that the judge meets more polarity than was annotated.

"We do not sell your data to anyone." makes "do you sell my data to anyone" with the verdict "no"; a clause such as
"without your consent" is left out of the question and makes the verdict "conditional"; now and then the question is
asked in the negative and the verdict turned, so that nothing can be told from the sentence alone. A question that names
the clause itself ("do you sell my data without asking me", "if a court orders it") gets a plain yes or no: what is
conditional depends on what is asked. The questions are
stiff and some are wrong, so they only come before the annotated ones in training (docs/models.md has what they bring).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

from qa.domain import IndexedPolicy, Verdict
from qa.embedding import sentence_text
from qa.judging import OPPOSITE
from qa.text import without_markup

SHORTEST, LONGEST = 25, 330
"""Sentences of fewer or more characters are not used."""
MOST_YES = 700
"""Policies say what is done far more often than what is not: so many of its plain questions are kept."""
_ASKED_IN_THE_NEGATIVE = 0.2
_MOST_WORDS = 16

_CONDITION = re.compile(
    r",?\s*\b(?:unless|except(?: (?:that|as|for|to|in|when|where|if|with))?|only|if you|if we"
    r"|without (?:your|the|first|prior|their|his|express|explicit|obtaining|consent|permission)"
    r"|with your (?:consent|permission|approval|authori[sz]ation)|other than|as required by law|in the event"
    r"|where (?:required|permitted|necessary)|when (?:you|required|we believe)|until|subject to|provided that"
    r"|to the extent)\b.*$",
    re.I,
)
_AGREES = r"\b(?:consent|permission|approval|authori[sz]\w+|agree\w*)\b"
_UNLESS_USER = re.compile(rf"(?:without|unless|except).*{_AGREES}", re.I)
_IF_USER = re.compile(rf"(?:only|if|when|where|with)\b.*\byour? (?:\w+ )?{_AGREES}", re.I)
_LAW = re.compile(r"\b(?:law|laws|court|subpoena|legally|legal)\b", re.I)
_EXCEPT = re.compile(r"(?:unless|except (?:when|where|if|that)) (?P<clause>.*)|(?P<word>)(?:except|other than)\b", re.I)
_WHEN = re.compile(
    r"(?P<word>(?:only )?(?:if|when|where)) (?P<clause>.*)|(?:as required|to the extent|only (?:as|to))\b", re.I
)
_HABIT = re.compile(
    r",?\s*(?:when|if) you (?:use|visit|access|interact|register|create|place|purchase|browse|enter)\b", re.I
)
"""A clause that says when a practice happens rather than what limits it."""
_HOWEVER = re.compile(r"\b(?:but|however|although|though)\b", re.I)
_EXCLUDED = re.compile(
    r"\b(?:but not|not including|excluding|other than|except(?: for)?) (?P<what>your [a-z/ -]{3,40}?)(?=[),;.]|$)", re.I
)
_PASSIVE = re.compile(
    r"^(?:(?:However|In addition|Please note that|Additionally|Also),?\s+)?"
    r"(?P<what>(?:Your|All|The|Any|Personal|Credit card|Cookies|Information|Data|Payment|User|Email)\b"
    r"(?:(?! (?:is|are|can|may|will|that|which|not)\b)[^,;:]){0,60}?)\s+"
    r"(?P<auxiliary>(?:will|may|can|might|could|shall|would)(?= (?:not |never )?be)|is|are)\s+"
    r"(?:(?P<negation>not|never)\s+)?(?:be\s+)?(?:also |only |automatically |always |then )?"
    r"(?P<done>(?:[a-z]+ed|sold|sent|kept|given|held|made|shown|used|read|lent)\b)(?P<rest>.*)$"
)
_LEADS_ON = re.compile(
    r"(?:\b(?:with|to|for|by|from|of|in|when|collect|use|share|that|not)\b|following[^:]{0,40}):?\s*$", re.I
)
_FOLLOWING = re.compile(r"\s*\b(?:(?:in|under|for|on|at) )?(?:the |any of the |one of the )?following\b[^:]*$", re.I)
_TWICE = re.compile(r"\b(\w+) \1\b", re.I)
_OWN_SENTENCE = re.compile(r"(?:We|You|I|If|This|These|It|They|There|Our|The)\b|.{0,60}:")
_NOT_A_COMPANY = (
    "You|Your|Any|This|These|Those|Users?|If|To|It|All|Their|They|Links?|Some|Such|Each|In|For|Cookies?|The|Our|Other"
    "|Please|By|Most|Many|When|Where|How|Click|See|Visitors?|Third|Information"
)
_OF_COMPANY = re.compile(
    r"^(?:(?:However|But|Also|In addition|Please note(?: that)?|Additionally),?\s+)?"
    r"(?P<lead>(?:If|When|Where|In|For|At|On|By|To|From|As)\b[^,]{3,60},\s+)?"
    rf"(?:[Ww]e|[Tt]he (?:site|website|company|service)|(?!(?:{_NOT_A_COMPANY})\b)"
    r"[A-Z][\w.&'-]+(?: [A-Z][\w.&'-]+){0,2}(?:\.com)?)\s+"
    r"(?P<modal>(?:do|does|will|may|can|could|might|shall|would|cannot|won't|don't|doesn't|must|should)\b)?\s*"
    r"(?P<negation>(?:not|never)\b)?\s*"
    r"(?:(?:also|always|sometimes|currently|generally|ever|occasionally|automatically|then|intentionally|knowingly)\s+)?"
    r"(?P<verb>[a-z]+)\b(?P<rest>.*)$"
)
_OF_USER = re.compile(
    r"^(?:(?:If|When|At)\b[^,]{3,60},\s+)?[Yy]ou\s+"
    r"(?P<modal>may|can|must|cannot|are required to|are not required to|have the right to|do not have to"
    r"|do not need to|need not|need to|have to|may not|can not)\s+(?:also |always |then )?"
    r"(?P<verb>(?!be\b)[a-z]+)\b(?P<rest>.*)$"
)
_VERBS = frozenset(
    """
    share sell rent disclose collect use store keep retain give provide transfer trade track record log send contact
    delete remove release combine link associate encrypt protect monitor review change update modify notify ask require
    request gather receive obtain process distribute exchange lease loan make set place employ permit allow accept
    respond honor guarantee read access transmit save post publish display reveal market offer work partner hire take
    maintain destroy verify believe know control solicit target recognize support ship pass divulge buy purchase
    cooperate comply conduct analyze preserve report correct have
    """.split()
)
_ASKED_WITH = {"does": "do", "don't": "do", "doesn't": "do", "won't": "will", "might": "do", "cannot": "can"}
_NEGATED_MODALS = frozenset({"cannot", "won't", "don't", "doesn't"})
_MAY_I = ("can i", "am i allowed to", "is it possible to")
_MUST_I = ("do i have to", "must i", "am i required to")
_OF_RIGHT: dict[str, tuple[tuple[str, ...], Verdict]] = {
    **dict.fromkeys(("may", "can", "have the right to"), (_MAY_I, Verdict.YES)),
    **dict.fromkeys(("cannot", "may not", "can not"), (_MAY_I, Verdict.NO)),
    **dict.fromkeys(("must", "are required to", "need to", "have to"), (_MUST_I, Verdict.YES)),
    **dict.fromkeys(("are not required to", "do not have to", "do not need to", "need not"), (_MUST_I, Verdict.NO)),
}
_TURNED = {
    "your": "my", "you": "me", "we": "you", "us": "you", "our": "your", "yours": "mine", "yourself": "myself",
    "ourselves": "yourselves", "ours": "yours",
}  # fmt: skip
_YOU_ACT = re.compile(
    r"\byou (?=(?:are|have|do|provide|give|submit|visit|use|enter|make|send|request|choose|register|place|order"
    r"|purchase|post|share|may|can|want|wish|would|will|click|access|view|supply|contact|ask|agree|sign|create|participate"
    r"|communicate|buy|decide|had|were|did|also|voluntarily|specifically)\b)",
    re.I,
)
_DANGLING = re.compile(r"\s+(?:and|or|to|the|of|with|a|an|your|our|for|in|by|that|which|any|other|such|as)$", re.I)


@dataclass(frozen=True, slots=True)
class MadeQuestion:
    """A question made from a sentence; ``text`` is that sentence as the judge reads it."""

    question: str
    text: str
    verdict: Verdict


def make_questions(sources: Iterable[IndexedPolicy], seed: int) -> list[MadeQuestion]:
    """Questions from all sentences of the policies, shuffled; the same for the same policies and seed."""
    dice = random.Random(seed)  # noqa: S311 - variety, not secrets
    plain: list[MadeQuestion] = []
    contrasts: list[MadeQuestion] = []
    seen: set[str] = set()
    for source in sources:
        for passage, sentence in source.sentences():
            words = without_markup(sentence.span.of(source.policy.text))
            lead = without_markup(sentence.lead_in.of(source.policy.text)) if sentence.lead_in else ""
            said = joined(lead, words) if lead else words
            if said and said not in seen:
                seen.add(said)
                text = sentence_text(source.policy, passage, sentence)
                if asked := question_of(said, dice):
                    plain.append(MadeQuestion(asked[0], text, asked[1]))
                contrasts += [MadeQuestion(question, text, verdict) for question, verdict in contrasts_of(said, dice)]
    dice.shuffle(plain)
    yes = [one for one in plain if one.verdict is Verdict.YES][:MOST_YES]
    made = yes + contrasts + [one for one in plain if one.verdict is not Verdict.YES]
    dice.shuffle(made)
    return made


def joined(lead: str, item: str) -> str:
    """A list item behind what leads it in, as one sentence: "we collect the following: / Your name" collects it."""
    if not _LEADS_ON.search(lead) or _OWN_SENTENCE.match(item):
        return ""
    begun = item[0].lower() + item[1:] if item[1:2].islower() else item
    return _TWICE.sub(r"\1", f"{_FOLLOWING.sub('', lead.rstrip(' :'))} {begun}")


def question_of(sentence: str, dice: random.Random) -> tuple[str, Verdict] | None:
    """The question that a sentence answers and its verdict; None if the sentence has none of the known forms."""
    statement = _statement(sentence, dice)
    if not statement:
        return None
    limited = statement.condition and not (_HABIT.match(statement.condition) and statement.verdict is Verdict.YES)
    verdict = Verdict.CONDITIONAL if limited else statement.verdict
    if not statement.of_user and dice.random() < _ASKED_IN_THE_NEGATIVE:
        return statement.question("not "), OPPOSITE[verdict]
    return statement.question(), verdict


def contrasts_of(sentence: str, dice: random.Random) -> list[tuple[str, Verdict]]:
    """Questions that name the sentence's condition or what it excludes, with plain verdicts; none if it has neither."""
    statement = _statement(sentence, dice)
    if not statement or (_HABIT.match(statement.condition) and statement.verdict is Verdict.YES):
        return []
    clause = statement.condition.strip(" ,")
    asked = statement.question()
    negative = statement.verdict is Verdict.NO
    if not statement.of_user and (_UNLESS_USER if negative else _IF_USER).match(clause):
        ok = dice.choice(["consent", "permission", "ok"])
        return dice.sample(
            [
                (f"{asked} without {dice.choice([f'my {ok}', 'asking me'])}", Verdict.NO),
                (f"{asked} {dice.choice(['if I agree', 'with my permission', 'once I say yes'])}", Verdict.YES),
                (f"do you {dice.choice(['need', 'ask for'])} my {ok} before {statement.question()[3:]}", Verdict.YES)
                if asked.startswith(("do you", "do they"))
                else (f"{asked} unless I agree", Verdict.NO),
            ],
            2,
        )
    stated = (_EXCEPT if negative else _WHEN).match(clause)
    if stated and _LAW.search(clause) and not statement.of_user:
        court = dice.choice(["if a court orders it", "when the law requires it", "if they are legally required to"])
        return [(f"{asked} {court}", Verdict.YES)]
    if stated and stated["clause"]:
        named = re.sub(r"^you\b", "I", _cut(stated["clause"].split(",")[0], dice), flags=re.I)
        joint = "if" if negative or not stated["word"] else stated["word"].split()[-1].lower()
        return [(f"{asked} {joint} {_turned(named)}", Verdict.YES)] if len(named.split()) > 2 else []
    excluded = _EXCLUDED.search(sentence)
    if excluded and not negative and not statement.of_user:
        verb = re.split(r"\s", statement.rest, maxsplit=1)[0]
        return [(f"{statement.auxiliary} {statement.subject} {verb} {_turned(excluded['what'])}", Verdict.NO)]
    return []


@dataclass(frozen=True, slots=True)
class _Statement:
    """What a sentence says, as a question ("do", "they", "sell my data"), said to be so (YES) or not; its condition."""

    auxiliary: str
    subject: str
    rest: str
    verdict: Verdict
    condition: str
    of_user: bool = False

    def question(self, negation: str = "") -> str:
        return f"{self.auxiliary} {self.subject} {negation}{self.rest}"


def _statement(sentence: str, dice: random.Random) -> _Statement | None:
    sentence = sentence.strip().rstrip(".;!")
    if not SHORTEST <= len(sentence) <= LONGEST or sentence.endswith("?"):
        return None
    if match := _OF_COMPANY.match(sentence):
        return _about_company(match, dice)
    if match := _OF_USER.match(sentence):
        return _about_user(match, dice)
    if match := _PASSIVE.match(sentence):
        return _about_thing(match, dice)
    return None


def _about_company(match: re.Match[str], dice: random.Random) -> _Statement | None:
    modal = (match["modal"] or "").lower()
    verb = match["verb"] if match["verb"] in _VERBS else match["verb"].removesuffix("s")
    core, condition = _parted(match["rest"])
    if verb not in _VERBS or not core or _HOWEVER.search(core):
        return None
    if dice.random() < 0.5:
        core = core.split(",")[0]
    core = _cut(core, dice)
    if len(core.split()) < 2:
        return None
    subject = dice.choice(["you", "you", "they", "the company", "this site"])
    asked = dice.choice(["do", "can", "will"]) if modal == "may" else _ASKED_WITH.get(modal, modal) or "do"
    if asked == "do" and subject in {"the company", "this site"}:
        asked = "does"
    negative = bool(match["negation"]) or modal in _NEGATED_MODALS
    rest = f"{verb} {_turned(core)}"
    lead = match["lead"] or ""
    if re.match(r"(?:if|when|where)\b", lead, re.I):
        if dice.random() < 0.5:
            rest += " " + _turned(lead[0].lower() + lead[1:].rstrip(", "))
        elif re.match(r"if\b(?! you (?:have|visit|use)\b)", lead, re.I) and not negative:
            condition = condition or lead.rstrip(", ")
    return _Statement(asked, subject, rest, Verdict.NO if negative else Verdict.YES, condition)


def _about_user(match: re.Match[str], dice: random.Random) -> _Statement | None:
    openings, verdict = _OF_RIGHT[match["modal"].lower()]
    core, condition = _parted(match["rest"])
    if not core or _HOWEVER.search(core):
        return None
    if re.match(r",?\s*if you (?:wish|want|would like)", condition, re.I):
        condition = ""
    auxiliary, subject, *to = dice.choice(openings).split(" ", 2)
    rest = " ".join([*to, match["verb"], _turned(_cut(core, dice))])
    return _Statement(auxiliary, subject, rest, verdict, condition, of_user=True)


def _about_thing(match: re.Match[str], dice: random.Random) -> _Statement | None:
    core, condition = _parted(match["rest"])
    if _HOWEVER.search(core) or _HOWEVER.search(match["what"]):
        return None
    auxiliary = match["auxiliary"].lower()
    if auxiliary in {"may", "can", "might"}:
        auxiliary = dice.choice(["can", "will", "could"])
    be = [] if auxiliary in {"is", "are"} else ["be"]
    done = " ".join([*be, match["done"].lower(), _turned(_cut(core, dice))]).strip()
    thing = _turned(match["what"][0].lower() + match["what"][1:])
    verdict = Verdict.NO if match["negation"] else Verdict.YES
    return _Statement(auxiliary, thing, done, verdict, condition)


def _parted(rest: str) -> tuple[str, str]:
    """What follows the verb, without and with only its condition."""
    found = _CONDITION.search(rest)
    core = rest[: found.start()] if found else rest
    return core.split(";")[0].split(" (")[0].strip(), found.group() if found else ""


def _cut(core: str, dice: random.Random) -> str:
    words = core.split()
    if len(words) > _MOST_WORDS:
        core = " ".join(words[: dice.randint(8, _MOST_WORDS)])
    return _DANGLING.sub("", _DANGLING.sub("", core.rstrip(" ,:")))


def _turned(words: str) -> str:
    """The policy's words as the asker would say them: "your data" becomes "my data"."""
    words = _YOU_ACT.sub("\0 ", words).replace("\0 are", "\0 am")
    words = re.sub(rf"\b(?:{'|'.join(_TURNED)})\b", lambda m: _TURNED[m.group().lower()], words, flags=re.I)
    return words.replace("\0", "I")
