"""Personal data: what is shown of it where only a hint is allowed (S2 §11, regulation table no. 35)."""

from __future__ import annotations

from heating.site import Contact

_SHOWN_DIGITS = 2


def masked(contact: Contact) -> Contact:
    """Return a contact in which a person cannot be recognised: surname sign, last two digits, no address."""
    return Contact(name=_hidden_name(contact.name), phone=_hidden_phone(contact.phone), address="")


def _hidden_name(name: str) -> str:
    return f"{name[0]}**" if name else ""


def _hidden_phone(phone: str) -> str:
    digits = [sign for sign in phone if sign.isdigit()]
    return "***" + "".join(digits[-_SHOWN_DIGITS:]) if len(digits) > _SHOWN_DIGITS else ""
