"""Personal data: what is shown of it where only a hint is allowed, and what must not enter the chain (S2 §11)."""

from __future__ import annotations

import re

from heating.site import Contact

_SHOWN_DIGITS = 2
# A telephone number of mainland China, mobile or fixed, also as people group its digits.
_PHONE = re.compile(
    r"(?<!\d)(?:(?:\+|00)86[- ]?)?(?:1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8}|400[- ]?\d{3}[- ]?\d{4})(?!\d)"
)


def masked(contact: Contact) -> Contact:
    """Return a contact in which a person cannot be recognised: surname sign, last two digits, no address."""
    return Contact(name=_hidden_name(contact.name), phone=_hidden_phone(contact.phone), address="")


def without_phones(text: str) -> str:
    """Return a text whose telephone numbers show their last two digits only."""
    return _PHONE.sub(lambda found: "***" + found[0][-_SHOWN_DIGITS:], text)


def _hidden_name(name: str) -> str:
    return f"{name[0]}**" if name else ""


def _hidden_phone(phone: str) -> str:
    digits = [sign for sign in phone if sign.isdigit()]
    return "***" + "".join(digits[-_SHOWN_DIGITS:]) if len(digits) > _SHOWN_DIGITS else ""
