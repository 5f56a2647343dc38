"""Errors that the person at the keyboard can mend.

Every message is one line that names the file, row, column or setting and says what to do; the
command line prints it on stderr and the app shows it in the page, both without a traceback.
"""

_MAX_MESSAGE_LENGTH = 2000


def one_line(text: str, max_length: int) -> str:
    """Return `text` as something that can stand in a line of a log or a terminal.

    What cannot be printed, a line break for one, is written as its escape; of more than
    `max_length` characters the middle is left out.
    """
    if len(text) > max_length:
        text = f"{text[: max_length // 2]} … {text[-(max_length // 2) :]}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class MatineeError(Exception):
    """Base of all errors that are meant to be read by the person who caused them.

    The message stays one line even where it quotes a file's content or an odd file name.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, _MAX_MESSAGE_LENGTH))


class SettingsError(MatineeError):
    """SettingsError: a setting or environment variable has a value that cannot be used."""


class DataError(MatineeError):
    """DataError: an input file is missing, unreadable, or holds something it must not."""


class ClusterError(MatineeError):
    """ClusterError: Spark, or a machine of its cluster, failed at its work."""


class BundleError(MatineeError):
    """BundleError: a bundle is missing, of another format version, truncated or altered."""


class FetchingError(BundleError):
    """FetchingError: the bundle is being fetched from its address; retry in a moment."""


class NotFoundError(MatineeError):
    """NotFoundError: the bundle lacks the user or movie, or the method does not cover it."""


class ProfileError(MatineeError):
    """ProfileError: a visitor's ratings cannot be read or kept, or their file cannot be imported.

    The message is for whoever runs the server. The page says it in the visitor's language: `reason`
    tells which sentence that is, and `values` fill its placeholders.
    """

    def __init__(self, message: str, reason: str = "storage", **values: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.values = values
