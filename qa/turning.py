"""A question turned into a statement, without a parser: only a few safe forms, and only words that are understood.

"Do you sell my data?" becomes "whether it sells your data" where the policy is silent, and "No, it does not sell your
data." where it says no. What cannot be turned safely is not repeated at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.domain import Verdict
from qa.text import printable
from qa.wording import is_common

__all__ = ["direct", "indirect"]


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Nouns that are also verbs ("email", "post") are left out: "does [Acme] email get read" is no "it emails".
_VERBS = _words("""
    accept access advertise allow anonymize ask block buy check collect combine comply connect cooperate delete
    destroy disclose encrypt erase exchange follow forward gather get give guarantee hand handle have hold honor honour
    hide identify install keep know lease let listen look make manage monitor notify obtain offer participate pass
    protect provide publish read receive record release remember remove rent require respond retain reveal run save scan
    see sell send share show spy store supply take tell trace track trade transfer transmit use verify watch
""")
# What people do; behind "I" no noun can be meant.
_OWN_VERBS = _VERBS | _words("""
    cancel change choose close complain correct decline deactivate disable download edit limit modify object opt order
    pay prevent refuse register request restrict review sign stop subscribe turn unsubscribe update view visit withdraw
""")
_PREFACE = re.compile(r"^(?:(?:and|so|ok|okay|but|also|hey|hi|please|um|well|then)\b[\s,]*)+", re.IGNORECASE)
_COMPANY_WORD = (
    r"(?:they|you guys|u guys|you|u|it|we|(?:the|this|your) (?:company|site|website|store|shop|app|service|business))"
)
_FUTURE = re.compile(rf"^(?:is|are|am) (?P<who>i|{_COMPANY_WORD}) (?:going to|gonna)\b", re.IGNORECASE)
_QUESTION_WORD = (
    r"(?:how (?:long|often|soon)|how many (?:days|weeks|months|years)|how|where|when|why|what|"
    r"what (?:kind|kinds|sort|type|types) of [a-z]+|with whom|who)"
)
_VERB = r"(?P<adverb>(?:knowingly|actually|really|always|ever) )?(?P<verb>[a-z]+)"
_STATE = (
    r"(?P<state>collected|disclosed|encrypted|hashed|kept|logged|recorded|removed|saved|stored|retained|held|sold|"
    r"rented|shared|deleted|tracked|transferred|protected|safe)"
)
_ASKED = tuple(
    re.compile(rf"(?:(?P<wh>{_QUESTION_WORD}) )?{form}(?P<rest>(?: .*)?)", re.IGNORECASE)
    for form in (
        rf"(?P<mine>do) i (?P<need>have to|need to) {_VERB}",
        rf"(?P<mine>can|could|may|must|should|do|will) i {_VERB}",
        rf"(?P<be>is|are) (?P<what>(?:[a-z-]+ ){{0,4}}?[a-z-]+) {_STATE}",
        rf"(?P<modal>will|would|can|could|may|might|must|should) (?:{_COMPANY_WORD} )?{_VERB}",
        rf"(?:do|does) (?:{_COMPANY_WORD} )?{_VERB}",
    )
)
_TURNED = {"my": "your", "mine": "yours", "me": "you", "myself": "yourself", "i": "you", "your": "its", "ur": "its"}
_UNCLEAR = _words("they them their he she we us our ours am was were")
_DANGLING = re.compile(r"\b(?:at|by|from|of|in|with|on|for|to)(?: (?:and|or|if|when|to|at|for)\b.*)?$", re.IGNORECASE)

# Words that are about the answer or the asker, or that no longer mean the same in a statement.
_NEVER_SAID = re.compile(
    r"\b(?:not|no|never|nor|neither|none|nobody|nothing|cannot|already|also|although|anyway|because|both|btw|but|"
    r"even|huh|instead|just|like|lol|only|please|pls|rather|really|right|since|so|solely|still|than|tho|though|too|"
    r"truly|unless|while|why|yeah|it|itself|each other|or (?:what|something|whatever))\b|n't\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(r"\b(?:this|that|these|those|there|one|ones)$", re.IGNORECASE)
# "Do you share any data?", answered with yes, is no "it shares any data".
_ASKING_ONLY = re.compile(r"\b(?:any\w*|ever|either|at all|yet|much|many|whatever|whoever|whichever)\b", re.IGNORECASE)
# "No, it does not share some of your data" may be read as "it shares none" and as "it shares the rest".
_AMBIGUOUS_DENIED = re.compile(r"\b(?:some\w*|and|all|every\w*|always|most|certain|or not)\b", re.IGNORECASE)
_EMPTY_ADVERBS = {"ever ", "really ", "actually "}
_DENIED_MODALS = {"will": "will not", "would": "would not", "can": "cannot", "must": "does not have to"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question taken apart; every word of it can be said back.

    Attributes:
        wh: "whether" for a yes-or-no question, else its question word.
        subject: "you", "it" or "your passwords".
        aux: "can", "will", "are" and the like as asked; "do" for none, "have to" for "do I have to".
        adverb: with a blank behind it, or empty.
        verb: its plain form ("sell"), or a state ("encrypted").
        rest: what follows, already turned.
        asked: subject and rest as they were asked, where the company is not named by a pronoun of our own.
    """

    wh: str
    subject: str
    aux: str
    adverb: str
    verb: str
    rest: tuple[str, ...]
    asked: str


def indirect(query: str, text: str) -> str:
    """The question as "whether it sells your data", or nothing unless every word of it is safe to turn around.

    Only the forms of _ASKED are turned, and only with words that this module or the policy knows: a typo, a name or a
    clause about somebody else would make a sentence that nobody asked about.
    """
    asked = _asked(query, text)
    if asked is None:
        return ""
    if asked.aux in {"is", "are"}:
        said = f"{asked.subject} {asked.aux} {asked.verb}"
    elif asked.aux == "do" and asked.subject == "it":
        said = f"it {asked.adverb}{_third_person(asked.verb)}"
    else:
        # "how do I delete it" asks how I can
        how = asked.aux == "do" and asked.wh == "how"
        aux = "can " if how else "" if asked.aux == "do" else f"{asked.aux} "
        said = f"{asked.subject} {aux}{asked.adverb}{asked.verb}"
    return " ".join([asked.wh, said, *asked.rest])


def direct(query: str, text: str, verdict: Verdict, *, perhaps: bool = False) -> str:
    """The answer in the question's terms, e.g. "No, it does not sell your data."

    Empty where the question has no safe form, or a word that would mean something else in a statement.

    Args:
        query: the question without the company's name.
        text: the policy, whose words are understood.
        verdict: what the answer is.
        perhaps: the policy says no more than that it may.
    """
    asked = _asked(query, text)
    if asked is None or asked.wh != "whether":
        return ""
    if _NEVER_SAID.search(asked.asked) or _POINTS_BACK.search(asked.asked):
        return ""
    predicate = ""
    if verdict is Verdict.YES and not _ASKING_ONLY.search(asked.asked):
        predicate = _affirmed(asked, perhaps=perhaps)
    elif verdict is Verdict.NO and not _AMBIGUOUS_DENIED.search(asked.adverb + asked.asked):
        # "any of your data is not sold" is no denial
        predicate = "" if asked.subject.casefold().startswith("any") else _denied(asked)
    if not predicate:
        return ""
    return f"{verdict.value.capitalize()}, {' '.join([asked.subject, predicate, *asked.rest])}."


def _affirmed(asked: _Asked, *, perhaps: bool) -> str:
    adverb = "" if asked.adverb in _EMPTY_ADVERBS else asked.adverb
    own = asked.subject == "you"
    if asked.aux in {"is", "are"}:
        return f"may be {asked.verb}" if perhaps else f"{asked.aux} {asked.verb}"
    if own and asked.aux in {"can", "may", "must", "have to", "need to"}:
        return f"{asked.aux} {adverb}{asked.verb}"
    if asked.aux in {"could", "should"} or (own and asked.aux != "will"):
        return ""
    if perhaps or asked.aux in {"may", "might"}:
        return f"may {adverb}{asked.verb}"
    if asked.aux == "do":
        return f"{adverb}{_third_person(asked.verb)}"
    return f"{asked.aux} {adverb}{asked.verb}"


def _denied(asked: _Asked) -> str:
    adverb = "" if asked.adverb in _EMPTY_ADVERBS else asked.adverb
    if asked.aux in {"is", "are"}:
        return f"{asked.aux} not {asked.verb}"
    if asked.aux in {"have to", "need to"} or (asked.subject == "you" and asked.aux == "must"):
        return f"do not have to {adverb}{asked.verb}"
    if asked.aux == "do":
        return "" if asked.subject == "you" else f"does not {adverb}{asked.verb}"
    modal = _DENIED_MODALS.get(asked.aux, "")
    return f"{modal} {adverb}{asked.verb}" if modal else ""


def _opened(query: str) -> str:
    """The question without its "and so, please" and its question mark."""
    opened = _PREFACE.sub("", printable(query).rstrip(" ?!."), count=1)
    return _FUTURE.sub(r"will \g<who>", opened, count=1)


def _asked(query: str, text: str) -> _Asked | None:
    asked = _opened(query)
    match = next((found for form in _ASKED if (found := form.fullmatch(asked))), None)
    if match is None or len(asked.split()) > 16 or not re.fullmatch(r"[A-Za-z0-9' -]+", asked):
        return None
    part = {name: value for name, value in match.groupdict().items() if value}
    wh = part.get("wh", "whether").casefold()
    # With the company's name gone, "deleted at [Acme]" dangles; only "who do you share it with" may end so.
    if _DANGLING.search(asked) and wh not in {"who", "what", "where"}:
        return None
    known = _OWN_VERBS | set(re.findall(r"[a-z0-9'-]+", text.casefold()))
    rest = _turned(part["rest"].split(), known) if "rest" in part else []
    verb, adverb = part.get("verb", "").casefold(), part.get("adverb", "").casefold()
    verbs = _OWN_VERBS if "mine" in part else _VERBS
    if rest is None or (verb and verb not in verbs) or (verb and rest and rest[0] in _VERBS):
        return None
    if "mine" in part:
        if verb in {"have", "let", "make"}:  # "can I have [Acme] erase …" is missing its object
            return None
        aux = part.get("need", part["mine"]).casefold()
        return _Asked(wh, "you", aux, adverb, verb, tuple(rest), part.get("rest", ""))
    if "state" in part:
        what = _turned(part["what"].split(), known)
        if not what:
            return None
        be, state, said = part["be"].casefold(), part["state"].casefold(), part["what"] + part.get("rest", "")
        return _Asked(wh, " ".join(what), be, "", state, tuple(rest), said)
    return _Asked(wh, "it", part.get("modal", "do").casefold(), adverb, verb, tuple(rest), part.get("rest", ""))


def _turned(words: list[str], known: frozenset[str]) -> list[str] | None:
    """Words of a question said back to the asker; None if one is unknown or would change its meaning."""
    turned: list[str] = []
    for i, word in enumerate(words):
        plain = word.casefold()
        bare = re.sub(r"'s?$", "", plain)
        second_verb = plain in _VERBS and i > 0 and words[i - 1].casefold() in {"and", "or"}  # "it sells or rent"
        if plain in {"you", "u"}:
            verb = words[i + 1].casefold() if i + 1 < len(words) else ""
            if verb not in _VERBS:
                return None
            turned.append("it")
        elif plain in _UNCLEAR or not (bare in known or is_common(bare) or plain in _TURNED) or second_verb:
            return None
        elif turned and turned[-1] == "it" and words[i - 1].casefold() in {"you", "u"}:
            turned.append(_third_person(plain))
        else:
            turned.append(_TURNED.get(plain, word))
    return turned


def _third_person(verb: str) -> str:
    if verb == "have":
        return "has"
    if re.search(r"(?:s|sh|ch|x|z|o)$", verb):
        return verb + "es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", verb) + "s"
