"""Read one word as a person: a mention, an address, an id, or the page of a person."""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote

from bot.domain.commands import TargetRef
from bot.domain.identifiers import ADDRESS, GENESYS_ID, mailto_recipients
from handlers.words import BRACKETS, PUNCTUATION, QUOTES, SIGNS, Word, normalize

MAX_ADDRESS_LENGTH = 254
"""Characters of an email address (RFC 5321)."""

_PAGES = frozenset({"person", "people", "peoplev2", "user", "users"})
"""What precedes the user id in the address of a person's page, in Genesys Cloud's directory and administration."""

_SLACK_ID = re.compile(r"[UW][A-Z0-9]{1,30}")
_BARE_SLACK_ID = re.compile(r"[UW](?=[A-Z]*[0-9])[A-Z0-9]{8,30}")
_PLAIN_NAME = re.compile(r"@\w[\w.-]*")
_POSSESSIVE = "'s"


def people_named_by(word: Word) -> list[TargetRef]:
    """Return the people that a word names; more than one only for some links."""
    if word.sign == "@":
        return [TargetRef(slack_user_id=word.inside)] if _SLACK_ID.fullmatch(word.inside) else []
    if word.sign == "mailto:":
        return _in_mailto(word.inside, word.label)
    if word.sign:
        return _on_page(word.sign + word.inside)
    if word.text.casefold().startswith("mailto:"):
        return _in_mailto(word.text.partition(":")[2], "")
    if "://" in word.text:
        return _on_page(word.text)
    address = _address(word.text)
    return [TargetRef(email=address)] if address else _by_id(word.text)


def addresses_in(word: Word) -> list[TargetRef]:
    """Return the people whose email addresses a word contains; a link or a path on a host contains none."""
    if word.sign == "mailto:":
        return people_named_by(word)
    if word.sign or _is_remote_path(word.text):
        return []
    return [TargetRef(email=found[0].lower()) for found in ADDRESS.finditer(word.text.partition("://")[0])]


def plain_name(word: Word) -> str | None:
    """Return `@name` if a word is a mention that Slack left as text."""
    found = None if word.sign else _PLAIN_NAME.fullmatch(_strip(word.text).lstrip(SIGNS))
    return found[0] if found else None


def looks_like_address(word: Word) -> bool:
    """Return whether a word that names no one was meant as an email address."""
    stripped = _strip(word.text)
    is_link = word.sign == "mailto:" or stripped.casefold().startswith("mailto:")
    return is_link or ("@" in stripped and stripped != "@")


def _is_remote_path(text: str) -> bool:
    """Return whether a word is a path as git and scp write it, such as `git@github.com:acme/wiki`."""
    host, _, path = text.partition(":")
    return "@" in host and "/" in path


def _strip(text: str) -> str:
    """Remove what surrounds a word. A sign before it stays, because an address may begin with it."""
    text = text.strip(QUOTES + BRACKETS + PUNCTUATION)
    while len(text) > 1 and text[0] == text[-1] and text[0] in SIGNS:
        text = text[1:-1].strip(QUOTES + BRACKETS + PUNCTUATION)
    return text.rstrip(QUOTES + BRACKETS + PUNCTUATION + SIGNS).removesuffix(_POSSESSIVE)


def _address(text: str) -> str | None:
    stripped = _strip(text)
    if len(stripped) > MAX_ADDRESS_LENGTH or not ADDRESS.fullmatch(stripped):
        return None
    return stripped.lower()


def _by_id(text: str) -> list[TargetRef]:
    identifier = _strip(text).lstrip(SIGNS + PUNCTUATION)
    if GENESYS_ID.fullmatch(identifier):
        return [TargetRef(genesys_user_id=identifier.lower())]
    return [TargetRef(slack_user_id=identifier)] if _BARE_SLACK_ID.fullmatch(identifier) else []


def _in_mailto(link: str, label: str) -> list[TargetRef]:
    """Return the people of a `mailto:` link, none if a part of it is no address.

    A label that is another address names a second person, so that a link never means another person than it shows.
    """
    parts = [_address(normalize(part)) for part in mailto_recipients(link)]
    if not parts or not all(parts):
        return []
    return [TargetRef(email=email) for email in dict.fromkeys([*parts, _address(normalize(label))]) if email]


def _on_page(url: str) -> list[TargetRef]:
    """Return the person whose page a web address shows, such as `…/directory/#/person/<id>`."""
    parts = re.split("[/?&#]", normalize(unquote(url)).rstrip(QUOTES + BRACKETS + PUNCTUATION))
    found = {one.lower() for page, one in pairwise(parts) if page.casefold() in _PAGES and GENESYS_ID.fullmatch(one)}
    return [TargetRef(genesys_user_id=one) for one in sorted(found)]
