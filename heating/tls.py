"""Whom we trust at the other end of an encrypted connection."""

from __future__ import annotations

import ssl


def trusting(ca: str | None) -> ssl.SSLContext:
    """Return what certificates of servers are held against: those of a file, or (None) those of the machine.

    Raises
    ------
    OSError
        The file cannot be read, or holds no certificates.
    """
    context = ssl.create_default_context(cafile=ca)
    if ca is not None:
        # From Python 3.13 on a CA without key usage is refused (RFC 5280, 4.2.1.3), as `openssl req -x509` makes them:
        # the CA that a site had before its system was upgraded is still the one that it names here.
        context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    return context
