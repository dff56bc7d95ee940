"""What a question asks about the versions of a policy, from its words alone (pure functions).

"What changed about selling?", "has it always been so?", "when did they start to share it?" are questions about
versions; "how will you tell me about changes?" is an ordinary one. So every form begins where the question does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from qa.cues import tidied
from qa.domain import Lookback, Looking
from qa.wording import base_form

__all__ = ["asks_more", "find_lookback", "may_look_back"]

_MAY = re.compile(
    r"\b(?:chang|differ|new\b|news\b|always|never|since|how long (?:has|have)|start|beg[aiu]n|stop|ceas|quit|used? to\b"
    r"|before|previous|earlier|in the past|former|original|older?\b|versions?\b|updat|revis|amend|evolv|added|removed"
    r"|introduc|what did\b|first\b|still\b|same\b)",
    re.I,
)

_POLICY = (
    r"(?:(?:the|your|their|its|this|that|our|privacy|whole|entire|new|newest|latest|current) )*"
    r"(?:policy|policies|notice|statement|terms|text|wording|rules?|practices?|version|document)"
)
_WHO = (
    r"(?:you(?: guys| people)?|u|they|it|we|i|there|(?:the|this|that|your|their|its) (?:privacy )?[\w-]+|"
    r"anyone|[\w.-]+)"
)
_ABOUT = (
    r"(?:(?:in |about |to |on )?(?:how (?:you|they|it|we)|the way (?:you|they|it|we)"
    r"|what (?:you|they|it|the policy) (?:says?|said) (?:about|on|regarding)"
    r"|(?:your|their|its|the) (?:handling|treatment|use|collection|stance|position|rules?|practices?) (?:of|on))"
    r"|with regards? to|when it comes to|in terms of|as to|as regards|related to|relating to|in relation to|about|on"
    r"|regarding|concerning|around|for|with|wrt|re|in|to|of)"
)
_CHANGED = (
    r"(?:changed?|updated?|revised?|modif(?:y|ied)|altered?|alter|amend(?:ed)?|rewritten|rewrite|reworded|reword)"
)
# What follows these is about being told, or about the reader's own changes: an ordinary question.
_ORDINARY = re.compile(
    r"\b(?:notif\w*|tell|told|inform(?:s|ed|ing)?|warn\w*|without|if|whenever|unless|e-?mail me|let (?:me|us) know"
    r"|my (?:mind|settings?|preferences?|password|order|account|profile|username|e-?mail|address|name|details))\b",
    re.I,
)
_VERSION = r"(?:version|policy|one)"
_LATELY = re.compile(
    r"[,\s]*\b(?:over (?:time|the years)|(?:in|over|during) the (?:last|past) (?:few )?\w+|recently|lately|so far"
    r"|at all|in the meantime|through the years|from (?:before|then)|then and now|now and then|than before"
    r"|(?:between|across|from version to version|in) (?:the )?(?:two |different |indexed |archived )*versions"
    r"|since(?: then| the (?:first|last|previous|old|older|oldest|earlier|earliest|original) "
    rf"{_VERSION})?|from the (?:old|previous|earlier|last) {_VERSION}"
    r"|compared (?:to|with) (?:the )?(?:before|past|old\w* \w+|previous \w+|earlier \w+|first \w+|last \w+))"
    r"(?=\W*$|\W+(?:about|on|in|regarding)\b)",
    re.I,
)
_EARLIER = (
    r"(?:before|before that|previously|in the past|earlier|formerly|back then|at that time|at first|originally"
    r"|once|then|in (?:the |an |your |their |its )?(?:earlier|older|old|previous|prior|first|original|oldest|earliest)"
    r" (?:privacy )?(?:versions?|policy|policies|one|ones)|(?:in|during) the (?:old|early) days|years ago)"
)
_OLD = r"(?:the |your |their |its |an )?(?:old|older|oldest|earlier|earliest|previous|prior|first|original|last)"
_SO = (
    r"(?:so|like (?:that|this)|the case|this way|that way|true|the same|done (?:so|that|this|it|like that)"
    r"|said (?:so|that|this)|the (?:rule|policy)|in (?:there|the policy|it))"
)
_THAT = r"(?:it|that|this|they|those|these|things)"


@dataclass(frozen=True)
class _Form:
    """A form of question; compiled when it is first tried, for there are many and most questions need none."""

    pattern: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(rf"^(?:(?:and|so|but|ok|okay|well|also)[, ]+)*{self.pattern}$", re.I)

    def match(self, asked: str) -> re.Match[str] | None:
        return self._compiled.match(asked)


_WHAT_CHANGED = (
    _Form(r"what(?:['’]s| is| was| has| have| had| else| else has| exactly)*(?: been)? (?:changed?"
          r"|changing)\b(?P<rest>.*)"),
    _Form(r"what (?:are|were|have been|has been) the (?:main |biggest |most important )?(?:changes"
          r"|differences)\b(?P<rest>.*)"),
    _Form(rf"what (?:changes|differences|updates) (?:were|have been|are|did {_WHO}|have {_WHO}|has {_WHO})"
          r" (?:there|made?|introduced?)\b(?P<rest>.*)"),
    _Form(r"(?:(?:what|which) \w+ )?(?:were|was|has been|have been|been) (?:added|removed|dropped|deleted|reworded)"
          rf"(?: (?:to|from|in|into) {_POLICY})(?P<rest>.*)"),
    _Form(rf"what (?:was|has been|have (?:you|they)|did (?:you|they)|got) (?:add(?:ed)?|remove[d]?|drop(?:ped)?)"
          rf"(?: (?:to|from|in|into) {_POLICY})(?P<rest>.*)"),
    _Form(rf"what(?:['’]s| is| was) (?:new|different)(?: (?:in|about|with) {_POLICY})(?P<rest>.*)"),
    _Form(rf"how (?:has|have|did|does|do) (?:{_POLICY}|{_WHO})(?P<middle> (?:on|about|regarding|for) .+?)?"
          r" (?:changed?|evolved?|differed|developed?)\b(?P<rest>.*)"),
    _Form(rf"how (?:is|are|was) (?:{_POLICY}|it) different\b(?P<rest>.*)"),
    _Form(rf"how (?:have|has|did) {_WHO} {_CHANGED} {_POLICY}\b(?P<rest>.*)"),
    _Form(r"(?:show|list|give|name|describe|explain|summari[sz]e)(?: me| us)?(?: all| the| all the)?"
          r" (?:changes|differences|what(?:['’]s| has)? changed)\b(?P<rest>.*)"),
    _Form(rf"(?:compare|diff)\b(?:(?: the)?(?: old| new| older| newer| two| all| different| and| with| to| both)*"
          rf" (?:versions|{_OLD} (?:and|with|to) (?:the )?(?:new|newest|current|latest)(?: \w+)?))(?P<rest>.*)"),
    _Form(r"(?:the )?differences? between (?:the |your |their )?(?:\w+ )?versions(?P<rest>.*)"),
)  # fmt: skip
_TIMED = (
    _Form(r"(?:the |any |all )?(?:changes|differences|updates|what was (?:added|removed|new|different))\b(?P<rest>.*)"),
    _Form(rf"compare(?: {_POLICY})?\b(?P<rest>.*)"),
    _Form(r"what(?:['’]s| is| was) (?:new|different)\b(?P<rest>.*)"),
)
_DID_CHANGE = (
    _Form(rf"(?:did|has|have) {_WHO} (?:ever |really |actually |recently |since )*{_CHANGED}"
          rf" (?P<rest>(?:{_POLICY}|how |what (?:it|they|you|the policy) (?:says?|said) |(?:the way|its|their|your"
          rf"|the) "
          r"(?:\w+ ){0,2}?(?:stance|position|mind|approach|practice|sharing|handling|rules?)|the way ).*)"),
    _Form(rf"(?:did|has|have|had) {_POLICY}(?P<middle> (?:on|about|regarding|for) .+?)?"
          rf"(?: ever| recently| really| since)* (?:been )?{_CHANGED}\b(?P<rest>.*)"),
    _Form(rf"(?:did|has|have) (?:you|u|they|it) (?:ever |really |recently |since )*{_CHANGED}"
          r" (?P<rest>(?:your|their|its) (?:[\w'’-]+ ?){1,6})"),
    _Form(rf"(?:did|has|have) (?:anything|something|much|a lot|it|this|that) (?:really |actually |ever )?(?:been )?"
          rf"{_CHANGED}\b(?P<rest>.*)"),
    _Form(rf"(?:is|was|are|were) {_POLICY}(?P<middle> (?:on|about|regarding|for) .+?)? (?:any )?(?:different|changed)\b"
          r"(?P<rest>.*)"),
    _Form(r"(?:is|are|was|were|have|has|did) there (?:any |been any |been |be )?(?:changes|differences?|an? change)\b"
          r"(?P<rest> (?:in|to|of|since|between|about) .*)"),
)  # fmt: skip
_ALWAYS_SO = (
    _Form(rf"(?:has|have|was|were|is|did) {_THAT} (?:always|ever since|all along)(?: been)?(?: {_SO})?(?: then)?"),
    _Form(rf"(?:has|have) {_THAT} been {_SO} (?:always|all along|from the (?:start|beginning|outset|first))"),
    _Form(rf"(?:was|were|is) {_THAT} (?:always |still )?{_SO}(?: (?:as )?(?:before|then|in the past|earlier|too|as "
          rf"well|also))?"
          r"(?<!so)(?<!case)(?<!true)"),
    _Form(rf"(?:was|were) {_THAT} {_SO} (?:before|then|in the past|earlier|too|as well|also)"),
    _Form(r"always"),
)  # fmt: skip
_ALWAYS = (
    _Form(rf"(?:has|have) (?P<who>{_WHO}) (?P<how>always|never) been (?P<doing>[a-z-]+ing)\b ?(?P<rest>.*)"),
    _Form(rf"(?:has|have) (?P<who>{_WHO}) (?P<how>always|never) been (?P<state>[a-z-]+.*)"),
    _Form(rf"(?:has|have) (?P<who>{_WHO}) always (?P<how>refused|declined) to (?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
    _Form(rf"(?:has|have) (?P<who>{_WHO}) (?P<how>always|never) (?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
    _Form(rf"did (?P<who>{_WHO}) (?P<how>always) (?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
)
_NEW = (
    _Form(rf"(?:is|was|are|were) {_THAT} (?:something |anything |a |all )*(?:new|recent|newly added|recently added"
          rf"|a recent "
          r"(?:thing|change|rule|addition)|recently changed)(?: (?:thing|rule|change|addition|clause|sentence|part"
          r"|one))?"),
    _Form(rf"(?:was|were) {_THAT} (?:added|introduced)(?: (?:later|recently|afterwards))?"),
)  # fmt: skip
_SINCE_THAT = (
    _Form(r"since when"),
    _Form(rf"since when (?:is|was|has|have|does|do|did) {_THAT}(?: (?:been )?{_SO})?"),
    _Form(rf"(?:for )?how long (?:is|was|has|have) {_THAT} been {_SO}"),
    _Form(rf"when (?:did|was|were|has) {_THAT} (?:start(?:ed)?|begin|change[d]?|added|introduced|first (?:said"
          rf"|added|appear))"),
)  # fmt: skip
_SINCE = (
    _Form(rf"(?:when|what year|in (?:what|which) (?:year|version)|(?:which|what) version) did (?P<who>{_WHO})(?: "
          rf"first| ever)?"
          r" (?:start|begin|started|began) (?:to )?(?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
    _Form(rf"since when (?:do|does|did) (?P<who>{_WHO}) (?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
    _Form(rf"since when (?:has|have) (?P<who>{_WHO}) (?:been )?(?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
    _Form(rf"since when (?P<be>is|are|am|can|may|must) (?P<state>{_WHO} .+)"),
    _Form(rf"(?:for )?how long (?:has|have) (?P<who>{_WHO}) (?:already )?been (?P<verb>[a-z-]+ing)\b ?(?P<rest>.*)"),
    _Form(rf"when did (?P<who>{_WHO}) first (?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
)  # fmt: skip
_UNTIL = (
    _Form(rf"(?:when|what year|in (?:what|which) (?:year|version)|which version) did (?P<who>{_WHO})"
          r" (?:stop|cease|quit)(?: to)? (?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
)  # fmt: skip
_STARTED = (
    _Form(rf"(?:did|has|have) (?P<who>{_WHO}) (?:recently |now |since )*(?:started?|begin|began|begun) (?:to )?"
          r"(?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
)  # fmt: skip
_STOPPED = (
    _Form(rf"(?:did|has|have) (?P<who>{_WHO}) (?:recently |now |since )*(?:stop(?:ped)?|ceased?|quit) "
          r"(?P<verb>[a-z-]+ing)\b ?(?P<rest>.*)"),
)  # fmt: skip
_BEFORE_THAT = (
    _Form(rf"(?:what|how) (?:was|were|about|did) (?:{_THAT} )?(?:say )?{_EARLIER}"),
    _Form(rf"(?:what|how) (?:was|were) {_THAT} {_EARLIER}"),
    _Form(rf"what did {_THAT} (?:say|use to say|state) {_EARLIER}"),
    _Form(r"what did it use to (?:say|be)"),
    _Form(rf"{_EARLIER}"),
    _Form(rf"(?:was|were|did) {_THAT} (?:any )?(?:different(?:ly)?|otherwise) {_EARLIER}"),
)
_USED_TO = (
    _Form(rf"(?:did|was|were|had) (?P<who>{_WHO}) used? to (?P<verb>[a-z-]+)\b ?(?P<rest>.*)"),
    _Form(rf"did (?P<who>{_WHO}) (?P<verb>(?!say\b|state\b)[a-z-]+)\b ?(?P<rest>.*?),? {_EARLIER}"),
)
_SAID_BEFORE = (
    _Form(rf"what did (?:{_WHO}|{_POLICY}) (?:use to )?(?:say|state|promise|tell(?: me| us)?) (?:about|on|regarding)"
          rf" (?P<about>.+?),? {_EARLIER}"),
    _Form(rf"what did (?:{_WHO}|{_POLICY}) used? to (?:say|state|promise) (?:about|on|regarding) (?P<about>.+)"),
    _Form(rf"what did {_OLD} (?:privacy )?(?:versions?|policy|policies|one|ones) (?:say|state|promise) (?:about|on"
          rf"|regarding)"
          r" (?P<about>.+)"),
    _Form(rf"what (?:was|were) {_POLICY} (?:about|on|regarding) (?P<about>.+?),? {_EARLIER}"),
    _Form(rf"what (?:was|were) {_OLD} (?:privacy )?(?:policy|rules?|version) (?:about|on|regarding) (?P<about>.+)"),
)  # fmt: skip
_SAID_THEN = _Form(rf"what did (?:of )?(?:{_WHO}|{_POLICY}) (?:say|state|promise) (?:about|on|regarding) (?P<about>.+)")
_Forms = tuple[_Form, ...]
_LEANING: tuple[tuple[Looking, _Forms], ...] = (
    (Looking.ALWAYS, _ALWAYS_SO), (Looking.NEW, _NEW), (Looking.SINCE, _SINCE_THAT), (Looking.BEFORE, _BEFORE_THAT),
)  # fmt: skip
_WHOLE: tuple[tuple[Looking, _Forms], ...] = (
    (Looking.STARTED, _STARTED), (Looking.STOPPED, _STOPPED), (Looking.ALWAYS, _ALWAYS), (Looking.SINCE, _SINCE),
    (Looking.UNTIL, _UNTIL), (Looking.BEFORE, _USED_TO),
)  # fmt: skip
_MORE = re.compile(
    r"^(?:and|what about|how about|and what about|and how about)\b,? ?(?:about |on |for |with )?(?P<about>.+)$", re.I
)


def may_look_back(text: str) -> bool:
    """False where a question can hardly be about versions; quick."""
    return _MAY.search(text) is not None


def find_lookback(query: str, *, timed: bool = False) -> Lookback | None:
    """What a question asks about versions, or None for an ordinary question.

    Args:
        query: with "you" in the place of names, and without the times that it names.
        timed: it named times, so that "changes about cookies" are those between them.

    Returns:
        A question that leans on an earlier one ("is that new?") has neither topic nor question of its own.
    """
    asked = " ".join(tidied(query).rstrip("?").split())
    for kind, leaning in _LEANING:
        if any(form.match(asked) for form in leaning):
            return Lookback(kind)
    for kind, whole in _WHOLE:
        for form in whole:
            if (match := form.match(asked)) and (question := _put(match)):
                never = (match.groupdict().get("how") or "").lower() in {"never", "refused", "declined"}
                return Lookback(kind, question=question, never=never)
    for form in (*_SAID_BEFORE, *([_SAID_THEN] if timed else ())):
        if match := form.match(asked):
            return Lookback(Looking.BEFORE, question=f"what does it say about {match['about']}?")
    for kind, forms in ((Looking.CHANGED, _DID_CHANGE), (Looking.CHANGES, _WHAT_CHANGED + (_TIMED if timed else ()))):
        for form in forms:
            if match := form.match(asked):
                parts = match.groupdict()
                rest = f"{parts.get('middle') or ''} {parts.get('rest') or ''}"
                return None if _ORDINARY.search(rest) else Lookback(kind, about=_topic(rest))
    return None


def asks_more(query: str) -> str:
    """The topic of "and about cookies?" or "what about children?", behind a question about changes; else nothing."""
    match = _MORE.match(" ".join(tidied(query).rstrip("?").split()))
    return _topic(match["about"]) if match and len(match["about"].split()) <= 4 else ""


def _put(match: re.Match[str]) -> str:
    """The question as it is put to one version: "when did they start sharing it?" → "do they share it?"."""
    parts = match.groupdict()
    if state := parts.get("state"):
        return (
            f"{parts['be']} {state}?"
            if parts.get("be")
            else f"{'is' if parts['who'] == 'it' else 'are'} {parts['who']} {state}?"
        )
    verb = base_form((parts.get("doing") or parts["verb"]).lower())
    if not verb:
        return ""
    who = parts["who"]
    one = who.lower() in {"it", "there"} or who.lower().startswith(
        ("the ", "this ", "that ", "your ", "their ", "its ")
    )
    return f"{'does' if one and not who.endswith('s') else 'do'} {who} {verb} {parts['rest']}".strip() + "?"


def _topic(rest: str) -> str:
    """What a change is asked about: "in your policy on sharing over the years" is "sharing"."""
    rest = f" {_LATELY.sub('', rest.strip())} "
    before = ""
    while rest != before:
        before = rest
        rest = re.sub(rf"^\W*(?:{_ABOUT} )?{_POLICY}\b", " ", rest, flags=re.I)
        rest = re.sub(rf"^\W*{_ABOUT} ", " ", rest, flags=re.I)
        rest = re.sub(
            r"^\W*(?:there|here|at|you|your|their|its|my|the|it|they|been|any|and)\b(?= |$)", " ", rest, flags=re.I
        )
        rest = _LATELY.sub("", re.sub(rf"\s(?:in|of|within) {_POLICY}\W*$", " ", rest, flags=re.I))
    return rest.strip(" ,.;:!?'\"")
