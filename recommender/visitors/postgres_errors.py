"""Reasons why a database cannot be used, in words that name nothing secret."""

from __future__ import annotations

import re

import psycopg

# By state, see "PostgreSQL Error Codes" in its documentation.
_BY_STATE = {
    "42501": "the role may not write there; grant it, or give another in MATINEE_RATINGS_URL",
    "25006": "it can only be read now",
    "25P03": "it took too long",
    "53100": "its disk is full",
    "53300": "it takes no more connections",
    "57014": "it took too long",
    "55P03": "it took too long",
    "57P01": "it was shut down",
    "57P02": "it crashed",
    "57P03": "it is starting or shutting down",
}
# Nothing can be written, but read: wrong privileges, a standby, a full disk.
_READABLE = {"42501", "25006", "53100"}
# What libpq and the two that answer it, PostgreSQL and PgBouncer, say in English without a state.
# It is not shown, since it may name the user. The first that fits counts.
_BY_MESSAGE = {
    r"pg_hba\.conf .*no encryption|FATAL: +SSL required": (
        "it lets nobody in without encryption; add sslmode=require to MATINEE_RATINGS_URL"
    ),
    r"pg_hba\.conf": "it lets nobody in from here",
    r"valid client certificate": "it asks for a certificate; give sslcert and sslkey",
    r"FATAL: +(.*auth(entication)? failed|no password|role|no such user)": (
        "it refused the user or the password"
    ),
    r"FATAL: +(database .* does not exist|no such database)": "there is no such database",
    r"FATAL: +(sorry, too many|remaining connection|too many)|\(max_\w*connections?\)|max_client": (
        "it takes no more connections"
    ),
    r"FATAL: +the database system": "it is starting or shutting down",
    # PgBouncer's, at the connection or at a statement.
    r"query_wait_timeout": "its pooler has no connection free, or cannot reach it",
    r"server_login_retry|cannot connect to server": "its pooler cannot connect to it",
    r"statement pooling": "its pooler must pool transactions or sessions, not statements",
    r"unsupported startup parameter": "its pooler refuses an option of its address",
    # libpq's own.
    r"session is read-only|hot standby": "it can only be read now",
    r"Connection refused|on socket .* No such file": "nobody listens there",
    r"closed the connection unexpectedly|reset by peer|Broken pipe": "it broke the connection off",
    r"failed to resolve": "no such host is known",
    r"timeout expired|deadline has passed": "it does not answer",
    r"does not support SSL": "it offers no encryption, which sslmode asks for",
    r"certificate verify failed": (
        "its certificate has expired, or is signed by nobody in the file of sslrootcert"
    ),
    r"does not match host name": "its certificate is for another host",
    r"root certificate file": "the file of sslrootcert is not there or holds no certificate",
    r"certificate file|private key file": "the files of sslcert and sslkey cannot be used",
    r"SSL": "no encrypted connection could be made",
    r"no password supplied": "it asks for a password",
    r"invalid|bad value|could not match": (
        "an option of its address has a value that libpq does not know"
    ),
    r"FATAL:": "it refused the connection",
}
# What all of PgBouncer's own errors have.
_POOLER = "08P01"


class NoHostError(psycopg.OperationalError):
    """None of several hosts could be used; the message is a reason for each."""

    def __init__(self, failures: list[tuple[str, psycopg.Error]]) -> None:
        # A name may stand for several addresses.
        reasons = dict.fromkeys((host, reason(error)) for host, error in failures)
        same = len({cause for _, cause in reasons}) == 1
        each = (cause if same else f"{host}: {cause}" for host, cause in reasons)
        super().__init__("; ".join(dict.fromkeys(each)))


def reason(error: psycopg.Error) -> str:
    """Return the reason in a few words without the database's name."""
    if isinstance(error, NoHostError):
        return str(error)
    state, text = error.sqlstate, str(error)
    if state in _BY_STATE:
        return _BY_STATE[state]
    unknown = "it cannot be reached" if state is None else f"it answered with error {state}"
    if state not in (None, _POOLER):
        return unknown
    return next((cause for sign, cause in _BY_MESSAGE.items() if re.search(sign, text)), unknown)


def is_readable(error: psycopg.Error) -> bool:
    """True if the database could still be read."""
    return error.sqlstate in _READABLE


def is_stale(error: psycopg.Error) -> bool:
    """True if a retry may help: on another connection (08, 57P, a standby's) or once more (40)."""
    state = error.sqlstate
    return state is None or state.startswith(("08", "25006", "40", "57P"))
