"""Cues of polarity, condition and form in questions and evidence: regular expressions, no model (pure functions)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from qa.text import content_words
from qa.wording import practices

# --- the question -----------------------------------------------------------------------------------------------------

_POLITE = re.compile(
    r"^(?:\W|and\b|so\b|but\b|ok(?:ay)?\b|hi\b|hello\b|hey\b|well\b|also\b|then\b|um+\b|please\b|pls\b|plz\b"
    r"|(?:can|could|would) (?:you|u) (?:please )?(?:tell|say|explain)(?: to)? (?:me|us)\b|tell (?:me|us)\b"
    r"|i(?:['’]d| would)? (?:want|like|need|wish) to know\b|i(?:['’]m| am)? (?:just )?(?:wondering|curious)\b"
    # "do you know what they keep" asks what; "do you know what I buy" asks whether.
    r"|(?:do|does) (?:you|anyone) know\b(?!(?: (?!(?:do|can|could|should|would|if) i\b)[\w'-]+)* i\b"
    r"(?! (?:can|could|should|would|have|need|go|get)\b))|quick question\b|is it (?:true|right|correct) that\b"
    r"|what about\b|what if\b|how about\b|suppose\b)",
    re.I,
)
_AUXILIARY = re.compile(
    r"^(?:do|does|did|is|are|was|were|am|can|could|will|would|wil|wud|shall|should|may|might|must|has|have|had|ain['’]t"
    r"|whether|r u\b|(?:you|u|they|it|we)(?: guys)? (?:ever|gonna|going to|allowed to|able to)\b"
    r"|doesn['’]?t|don['’]?t|isn['’]?t|aren['’]?t|won['’]?t|can['’]?t)\b",
    re.I,
)
_INTERROGATIVE = re.compile(
    r"^(?:(?:in|for|under|to|by|on|at|from|after|with|of) )?(?:how(?!ever\b)(?! about\b)"
    r"|w(?:hat|aht|at)(?:['’]?s)?\b(?! about\b)(?! if\b)|w(?:hich|ich)\b|who(?:se|m|['’]s)?\b"
    r"|where(?:['’]s)?\b|when(?= (?:do|does|did|will|is|are|was|were|can)\b)|why\b|y do\b|list\b|name\b|explain\b"
    r"|describe\b|(?:kindly )?state\b)",
    re.I,
)
_ASKING = re.compile(
    r"\b(?:do|does|did|will|would|can|could|is|are|am|was|were|has|have|should|gonna|going to) "
    r"(?:you|u|i|we|they|it|that|this|these|those|my|the|your|our|there|anyone|anybody|some\w+|any|others?|rent|sell|share"
    r"|keep)\b",
    re.I,
)
_FACT = re.compile(
    r"\b(?:how|what|waht|wat|which|wich|who|whose|where|when|why|contact|phone|number|name|address|steps|list)\b", re.I
)
_SOUGHT = re.compile(
    r"\b(?:period|minimum age|location|country|owner|purpose|reason|expir(?:y|ation)|(?:effective|publication) date"
    r"|(?:response|notification) time|officer)\b|\b(?:link|list)\W*$",
    re.I,
)
_PRACTICE = re.compile(
    r"\b(?:collect|s[eo]ll?d?|shar|track|stor|sav|keep|kept|log|use|giv|rent|disclos|encrypt|delet|logs?|record)\w*"
    r"|\b(?:visible|public|accessible|allowed|possible|optional|mandatory|required|linked|anonymous|secure|safe)\b",
    re.I,
)
_TAG = re.compile(r"\b(?:right|correct|yeah|yes|no|isn['’]?t it|don['’]?t (?:you|they))\W*$", re.I)


_TELL_ME = r"(?:(?:can|could|would|will) (?:you|u) )?(?:please )?tell (?:me|us)"
_COURTESY = re.compile(
    r"^(?:\W|(?:hi|hello|hey|dear (?:sir|madam|team)|good (?:morning|day|evening)|please|pls|plz|thanks|thank you)"
    rf"\b[,!. ]|{_TELL_ME}\b(?:[,:]| (?=what|which|who|how|when|where|why))"
    r"|quick question\W|i(?:['’]m| am)? (?:just )?(?:wondering|curious)\b,? )+",
    re.I,
)
_WHETHER = re.compile(
    rf"^{_TELL_ME} (?:if|whether) (?P<subject>you guys|you|they|it|we|i)\b"
    r"(?! (?:can|could|will|would|may|might|should|must|do|does|have|has|are|is|was|were|am)\b)",
    re.I,
)
# It begins where marks begin, or two thousand of them would be tried from each one on.
_THANKS = re.compile(
    r"(?<![\s.,;:?!…])[\s.,;:?!…]*(?:\b(?:thanks|thank you|thx|please|pls|cheers)\b[\s.,;:?!…]*)*$", re.I
)


def tidied(question: str) -> str:
    """A question without greeting, thanks and courtesies, ended by one question mark.

    What is typed around a question, or how it is ended, must not change the answer.
    """
    kept = _WHETHER.sub(lambda match: f"do {match['subject']}", _COURTESY.sub("", question.strip()))
    return (_THANKS.sub("", kept) or question.strip().rstrip(" ?!.")) + "?"


def is_yes_no(question: str) -> bool:
    """Whether a question can be answered with yes or no.

    The clauses are looked at one by one, past openings such as "and", "please tell me" and "if I close my account,":
    the first that begins like a question decides. Keywords without any interrogative ("acme sell data") are read as
    asking whether; a missing verdict is worse than a superfluous one.
    """
    clauses = [_opened(clause) for clause in re.split(r"[.,;:?!]+\s+|\s[-–—]\s", question.strip())]
    for clause in clauses:
        if _AUXILIARY.match(clause):
            return True
        if _INTERROGATIVE.match(clause):
            return False
    if _TAG.search(question) and not re.match(r"\W*(?:wh|how)", question, re.I):
        return True
    if any(_ASKING.search(clause) for clause in clauses) and not re.search(r"\bhow\b|\bwh(?:at|ich|o)\b", question):
        return True
    if _SOUGHT.search(question):
        return False
    if _PRACTICE.search(question):
        return not re.search(r"\bhow\b", question)
    return not _FACT.search(question)


def _opened(clause: str) -> str:
    while (match := _POLITE.match(clause)) and match.end():
        clause = clause[match.end() :].lstrip()
    return clause


_SUBJECT = (
    r"(?:you(?: guys| people)?|u|they|it|we|i|(?:the|this|that|your|these|my) (?:[a-z]+ )?[a-z]+"
    r"|[A-Z][\w.&'’-]*(?: [A-Z][\w.&'’-]*){0,3})"
)
_CLAIMED = re.compile(
    rf"\b(?i:is it|it is|it['’]?s|isn['’]?t it) (?i:true|correct|right|so)(?i: that)? (?P<subject>{_SUBJECT} )?"
    r"(?i:(?P<aux>do|does|did|will|would|can|could|may|might|shall|should|is|are|was|were) ?(?:not|n['’]?t|never)"
    r"|(?P<short>don['’]?t|doesn['’]?t|didn['’]?t|won['’]?t|can(?:no|['’])?t|isn['’]?t|aren['’]?t)|never)"
    r" (?P<rest>.+)",
)
_ASKED_NOT = re.compile(
    # Possessive, or a question of marks and spaces would take a second.
    r"(?:^|(?<=[,.;:!?]\s))(?:\W|(?i:and|so|but|ok|okay|well|please|then)\b)*+"
    rf"(?P<aux>(?i:do|does|did|will|would|can|could|may|might|shall|should|is|are|was|were)) (?P<subject>{_SUBJECT} )?"
    r"(?i:not|never) (?P<rest>(?!(?i:track|call|mail|disturb|contact list)\b).+)"
)
_STATED_NOT = re.compile(
    r"^(?:\W|(?i:and|so|but|ok|okay|well|then)\b)*(?P<subject>(?i:you guys|you|u|they|it|we|the \w+|this \w+) )"
    r"(?i:(?P<aux>do|does|did|will|would|can|could) not|(?P<short>don['’]?t|doesn['’]?t|won['’]?t|can['’]?t)|never)"
    r" (?P<rest>.+)"
)
_CONTRACTED = re.compile(
    r"(?P<before>^|[,.;:!?]\s+|\b(?i:and|so|but) )(?P<aux>(?i:do|does|did|would|could|should|is|are|was|were))"
    r"n['’]?t (?=(?i:you|u|they|it|we|i|the|this|that|your|my|[A-Z]))"
)
_WHOLE = {"wo": "will", "ca": "can", "canno": "can"}


def straight(question: str) -> tuple[str, bool]:
    """A question asked in the negative, asked the other way round, and whether its answer has to be turned, too.

    "is it true that they never sell my data?" becomes "do they sell my data?", and a "no" to that is a "yes". "Don't
    you sell my data?" means what "do you" means. All other questions come back as they are.
    """
    for pattern in (_CLAIMED, _ASKED_NOT, _STATED_NOT):
        match = pattern.search(question)
        if match:
            parts = match.groupdict()
            if not parts["subject"] and (parts["aux"] or "").lower() == "do":
                continue  # "do not sell my info link" names a thing
            short = re.sub(r"n?['’]?t$", "", (parts.get("short") or "").lower())
            auxiliary = parts.get("aux") or _WHOLE.get(short, short) or "do"
            before = question[: match.start("aux")] if pattern is _ASKED_NOT else ""
            return f"{before}{auxiliary.lower()} {parts['subject'] or ''}{parts['rest']}", True
    return _CONTRACTED.sub(lambda match: f"{match['before']}{match['aux']} ", question), False


# --- cues -------------------------------------------------------------------------------------------------------------

PERHAPS = re.compile(
    r"(?<!\bwho )(?<!\byou )(?<!\bthat )(?<!\bwhich )(?<!\bthey )(?<!\bthose )"
    r"(?<!users )(?<!visitors )(?<!members )(?<!customers )(?<!consumers )(?<!parents )(?<!individuals )"
    r"\b(?:(?-i:may)|might|could)\b",
    re.IGNORECASE,
)
"""A policy that keeps a possibility open for itself; "you may" is a permission."""


def _compiled(patterns: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern, re.I) for name, pattern in patterns.items()}


CUES = _compiled(
    {
        "not": r"\b(?:not|never|cannot|neither|nor|none|nobody|nothing)\b|n['’]t\b",
        "no": r"\bno\b",
        "never": r"\bnever\b",
        "without": r"\bwithout\b",
        "unless": r"\bunless\b",
        "except": r"\bexcept|other than|exclud|aside from|apart from",
        "only": r"\b(?:only|solely|exclusively|limited to)\b",
        "if": r"\b(?:if|where|when|whenever|in the event|in case|should you|provided that|as long as|so long as"
        r"|to the extent)\b",
        "consent": r"\b(?:consent|permission|opt[- ]?in|authori[sz]|agree|choose|elect|request|approv)",
        "law": r"required by law|legal|law|court|subpoena",
        "may": r"\b(?:may|might|could)\b",
        "will": r"\bwill\b",
        "can": r"\bcan\b",
        "must": r"\b(?:must|required?|need|necessary|mandatory|shall)\b",
        "some": r"\b(?:some|certain|sometimes|occasional|on occasion|from time to time|in some cases|limited|most"
        r"|generally|usually|typically|general rule)\b",
        "however": r"\b(?:however|but|although|though|while|nevertheless|yet|instead|rather)\b",
        "optout": r"opt[- ]?out|unsubscrib|declin|refus|disabl|remov|turn off|reject|block",
        "able": r"\b(?:able|unable|impossible|possible)\b",
        "guarantee": r"guarantee|100%|ensure|assur",
        "reserve": r"reserve the right|discretion",
        "until": r"until|before|after",
        "anonymous": r"aggregat|anonym|non-?person|identif",
        "prohibit": r"prohibit|forbid|prevent|restrict|not permitted|not allowed|disclaim|not responsible|no control",
        "free": r"free of charge|\bfree\b",
        "nor": r"\b(?:nor|neither)\b",
        "any": r"\b(?:any|all|every|always|each|both)\b",
        "right": r"\bright\b",
    }
)
_SHARED = "not no never without only if must any optout guarantee consent some law free able prohibit anonymous".split()
QUESTION_CUES = {name: CUES[name] for name in _SHARED} | _compiled(
    {
        "i_can": r"\b(?:can|could|may|am|are) (?:i|we|users|you)\b",
        "i_have": r"\b(?:do|must|should|will|would) i\b|\bi (?:have|need) to\b",
        "starts_is": r"^\W*(?:is|are|was|were)\b",
        "starts_do": r"^\W*(?:do|does|did)\b",
        "starts_can": r"^\W*(?:can|could|may|might)\b",
        "starts_will": r"^\W*(?:will|would)\b",
        "share": r"\b(?:sell|shar|rent|give|pass|disclos|hand)",
        "safe": r"\b(?:safe|secur|encrypt|protect|respons)",
        "child": r"\b(?:kid|child|teen|under)",
        "ever": r"\bever\b",
        "keep": r"\b(?:keep|kept|stor|retain|hold)",
        "require": r"\b(?:need|require|have to|must|mandatory|without)\b",
        "collect": r"\b(?:collect|gather|record|log|track|see|know|read)",
        "others": r"\belse|other|third|outside|stranger",
    }
)
_CONDITIONS = ("only", "if", "may", "consent", "unless", "except", "optout", "must")
_RESTRICTED = re.compile(r"\b(?:only|solely)\b(.{0,25})", re.I)
_NEGATED = re.compile(r"(?:\b(?:not|never|nor)\b|n['’]t\b)(.{0,40})", re.I)
_WORD = re.compile(r"[a-z]+")
_LEADING_ANSWER = re.compile(r"\W*(yes|no)\b", re.I)
_GENERAL = frozenset(
    content_words(
        "data info information detail details personal personally identifiable private stuff record records customer"
        " user visitor member client people anybody anyone ever really actually please online website site company"
    )
)


def is_general(question: str) -> bool:
    """Whether a question names a practice and nothing more: "do you share my data?", not with whom or what for."""
    rest = [word for word in _WORD.findall(question.lower()) if set(content_words(word)) - _GENERAL]
    return bool(practices(question)) and all(practices(word) for word in rest)


def limits(question: str, first: str) -> bool:
    """Whether evidence limits the very practice of a general question, so that neither yes nor no would be true."""
    if not is_general(question) or CUES["only"].search(question):
        return False
    about = practices(question)
    return any(about & practices(match.group(1)) for match in _RESTRICTED.finditer(first)) or bool(
        CUES["unless"].search(first) or CUES["except"].search(first)
    )


_DENYING = re.compile(
    r"\b(?:not|no|never|nor|neither|none|cannot|without|unless|except\w*|only|solely|nothing|nobody|un(?:able|likely|til)"
    r"|but|however|instead|rather|prohibit\w*|prevent\w*|forbid\w*|refus\w*|declin\w*|limit\w*|exclu\w*|opt|disabl\w*"
    r"|voluntar\w*|optional|anonym\w*|aggregate\w*|if|free)\b|n['’]t\b|non-",
    re.I,
)
_DENIABLE = re.compile(
    r"\b(?:only|all|every|any|always|without|not|never|no|free|promise|guarantee|need|have to|must|required|ever|just"
    r"|entirely|completely|anonymous\w*|stay|same|everyone|anyone)\b",
    re.I,
)


def may_deny(question: str, evidence: Sequence[str]) -> bool:
    """Whether evidence can mean "no": it denies or limits something, or the question claims what a fact may refute.

    "We disclose data as required by law" cannot deny "do you disclose data?", whatever a model makes of it.
    """
    return bool(_DENIABLE.search(question)) or any(_DENYING.search(text) for text in evidence)


_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_DENIAL = re.compile(
    r"\b(?:not|no|never|nor|neither|none|cannot|nothing|nobody|un(?:able|likely)|prohibit\w*|prevent\w*|forbid\w*"
    r"|refus\w*|declin\w*|refrain\w*)\b|n['’]t\b|non-",
    re.I,
)
_SPEAKER = re.compile(r"\b(?:we|us|our|you|your)\b", re.I)


def affirming(question: str, evidence: Sequence[str]) -> int | None:
    """Which evidence says what is asked, in the question's own words; None if none does, or any denies just that.

    "We use cookies to …" answers "do you use cookies?", whatever else is denied beside it ("the cookies are not
    connected to your name").
    """
    asked = set(content_words(question))
    if len(asked) < 2 or _DENIABLE.search(question) or _DENIAL.search(question):
        return None
    said = [[each for each in _SENTENCE_END.split(text) if asked <= set(content_words(each))] for text in evidence]
    if any(_DENIAL.search(each) for sentences in said for each in sentences):
        return None
    spoken = (n for n, sentences in enumerate(said) if any(_SPEAKER.search(each) for each in sentences))
    return next(spoken, None)


def verdict_features(question: str, evidence: Sequence[str]) -> dict[str, float]:
    """The cues of a question and of its evidence (plain sentences, best first), alone and in combination."""
    asked = [name for name, pattern in QUESTION_CUES.items() if pattern.search(question)]
    first, rest = evidence[0], " ".join(evidence[1:])
    counts = {name: len(pattern.findall(first)) for name, pattern in CUES.items()}
    features: dict[str, float] = {f"question:{name}": 1.0 for name in asked}
    for name, count in counts.items():
        if count:
            features[f"first:{name}"] = 1.0
        if count > 1:
            features[f"twice:{name}"] = 1.0
    features |= {f"rest:{name}": 1.0 for name, pattern in CUES.items() if rest and pattern.search(rest)}
    polarity = "negated" if counts["not"] + counts["no"] else "plain"
    for name in asked:
        features[f"{name}&{polarity}"] = 1.0
        features |= {f"{name}&{condition}": 0.5 for condition in _CONDITIONS if counts[condition]}
    features |= {f"both:{name}": 1.0 for name, count in counts.items() if count and CUES[name].search(question)}
    features |= {f"new:{name}": 1.0 for name in ("law", "consent") if counts[name] and not CUES[name].search(question)}
    about = practices(question)
    if not CUES["only"].search(question) and any(about & practices(m.group(1)) for m in _RESTRICTED.finditer(first)):
        features["restricts what is asked"] = 1.0
    if any(about & practices(m.group(1)) for m in _NEGATED.finditer(first)):
        features["negates what is asked"] = 1.0
    if match := _LEADING_ANSWER.match(first):
        features[f"leads:{match.group(1).lower()}"] = 1.0
    if CUES["not"].search(" ".join(first.split()[:8])):
        features["negated early"] = 1.0
    features["sentences"] = float(len(evidence))
    features["length"] = len(first) / 200
    return features
