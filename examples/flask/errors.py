"""What a person is told of an error."""

import logging

import psycopg
from werkzeug.exceptions import HTTPException

AWAY = (503, "The database cannot be reached. Please try again later.")
STORE = (502, "The file store does not answer as it should. Please try again later.")
AGAIN = (503, "Somebody else was at it at the same time. Please try again.")
UNKNOWN = (500, "Something went wrong here.")

# By SQLSTATE or its class: the status, and what a person is told; None stands for the database's
# own words. The table is the same in ../hono/errors.js.
ANSWERS = {
    "22023": (400, None),
    "22": (400, "A value is not valid."),
    "42501": (403, "You may not do this."),
    "P0002": (404, "You have no such upload."),
    "58P01": (409, "The file has not been uploaded yet."),
    "23514": (409, None),
    "55000": (409, None),
    "55P03": AGAIN,
    "57014": (503, "This took too long. Please try again later."),
    "40": AGAIN,
    "08": STORE,
    "HV": STORE,
    "25006": AWAY,
    "53": AWAY,
    "57": AWAY,
}


def explain(error):
    """The status of an error, and the sentence for a person."""
    if isinstance(error, HTTPException):
        return error.code, error.description
    status, sentence = _answer_to(error)
    if status >= 500:
        logging.error("%d", status, exc_info=error)
    return status, sentence or _in_its_own_words(error.diag)


def _answer_to(error):
    if not isinstance(error, psycopg.Error):
        return UNKNOWN
    # What psycopg says itself is about the connection, or about a value that it does not send.
    if error.sqlstate is None:
        return ANSWERS["22"] if isinstance(error, psycopg.DataError) else AWAY
    return ANSWERS.get(error.sqlstate) or ANSWERS.get(error.sqlstate[:2]) or UNKNOWN


def _in_its_own_words(diagnostics):
    message = diagnostics.message_primary
    sentence = f"{message[0].upper()}{message[1:]}."
    return f"{sentence} {diagnostics.message_detail}" if diagnostics.message_detail else sentence
