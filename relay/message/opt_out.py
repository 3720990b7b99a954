"""What an opt-out link says: by its words, by the sentence around it, or by its URL (clause 5.4)."""

from __future__ import annotations

import re
from importlib.resources import files

from config import lists
from relay.message.wording import Phrases, words

MAX_LINK_WORDS = 12
"""A longer link text is a sentence about something; only shorter ones are judged by a word in them."""

_PHRASE_FILES = sorted(
    entry.name for entry in files(lists.__name__).iterdir() if entry.name.startswith("opt_out_phrases")
)
_WORDINGS = Phrases([phrase for name in _PHRASE_FILES for phrase in lists.lines(name)])
_NOT = Phrases(lists.lines("opt_out_not.txt"))
_HERE = Phrases(lists.lines("opt_out_here.txt"))
_URL_WORDS = frozenset(lists.lines("opt_out_urls.txt"))
_URL_SPLIT = re.compile(r"[/?&=#.;,:+|*<>{}\[\]%!~]+")
_SENTENCE_END = re.compile(r"[.!?…。！？;|·•](?=\s|$)")
_STATEMENT_END = re.compile(r"[.!…。！;|·•](?=\s|$)")
"""A question stays with what follows it: 'No longer interested? Click here.'"""
_MERGE_TAG = re.compile(r"\{\{[^{}]{0,60}\}\}|\*\|[^|]{0,60}\|\*|<?%[^%<>\s]{1,60}%>?|\[[A-Za-z_ ]{1,40}\]")
_LINKABLE = re.compile(r"\s*(?:https?:|mailto:|//|/|#|\?|\.|\Z|www\.|[\[{<%*$&(]|[\w.-]+/|[\w-]+\.)", re.IGNORECASE)


def worded(text: str) -> bool:
    """Whether a link with this text says that it opts out."""
    return worded_so(words(text)) and not is_headline(text)


def worded_so(said: str) -> bool:
    """The same of a link's words, as words() gives them."""
    if not said or len(said) > 200 or said.count(" ") >= MAX_LINK_WORDS:
        return False
    return bool(_WORDINGS.find(said)) and not _NOT.find(said)


def is_headline(text: str) -> bool:
    """Whether a link text is the title of something: 'Opt Out: the new album'."""
    head, colon, tail = text.partition(":")
    return bool(colon) and head.strip() != "" and tail.strip().count(" ") >= 2 and "//" not in tail


def says_nothing(text: str) -> bool:
    """Whether a link text is 'here' or the like, so that its surroundings decide."""
    return _HERE.whole(words(text))


def sentence_says(before: str, after: str) -> bool:
    """Whether the sentence around a link asks who wants no more mail to follow it."""
    start = max((found.end() for found in _STATEMENT_END.finditer(before)), default=0)
    end = _SENTENCE_END.search(after)
    said = words(f"{before[start:]} {after[: end.start()] if end else after}")
    return len(said) <= 400 and bool(_WORDINGS.find(said)) and not _NOT.find(said)


def mentions(text: str) -> bool:
    """Whether a text has an opt-out wording anywhere."""
    return bool(_WORDINGS.find(words(text)))


def url_says(href: str) -> bool:
    """Whether a URL's path or query names opting out; the host says nothing."""
    rest = href.strip().lower()
    scheme, colon, tail = rest.partition("//")
    if colon and scheme in ("http:", "https:", ""):
        rest = tail.partition("/")[2] or tail.partition("?")[2]
    for token in _URL_SPLIT.split(rest):
        if token in _URL_WORDS:
            return True
        if ("-" in token or "_" in token) and not _URL_WORDS.isdisjoint(re.split(r"[-_]", token)):
            return True
    return False


def could_lead(href: str) -> bool:
    """Whether an href may be a link to rewrite: a URL, a mailto, a merge tag, a stub ('#', empty)."""
    return bool(_LINKABLE.match(href)) or _MERGE_TAG.search(href) is not None


def without_merge_tags(text: str) -> str:
    """Text without merge tags of mailing programs."""
    return _MERGE_TAG.sub(" ", text)
