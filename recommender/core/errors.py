"""What can go wrong that the person at the keyboard can mend.

Every message is one line that names the file, row, column or setting and says what to do; the
command line prints it on stderr and the app shows it in the page, both without a traceback.
"""

_LONGEST_MESSAGE = 2000


def one_line(text: str, most: int) -> str:
    """`text` as something that can stand in a line of a log or a terminal.

    What cannot be printed, a line break for one, is written as its escape, and of more than `most`
    characters the middle is left out.
    """
    if len(text) > most:
        text = f"{text[: most // 2]} … {text[-(most // 2) :]}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class MatineeError(Exception):
    """Base of all errors that are meant to be read by the person who caused them.

    The message stays one line even where it quotes a file's content or an odd file name.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, _LONGEST_MESSAGE))


class SettingsError(MatineeError):
    """A setting or environment variable has a value that cannot be used."""


class DataError(MatineeError):
    """An input file is missing, unreadable, or holds something it must not."""


class ClusterError(MatineeError):
    """Spark, or a machine of its cluster, failed at what it was to do."""


class BundleError(MatineeError):
    """A bundle is missing, of another format version, truncated or altered."""


class FetchingError(BundleError):
    """The bundle lies at an address and is on its way; it may be asked for again in a moment."""


class NotFoundError(MatineeError):
    """The user or movie asked for is not in the bundle, or a method does not cover it."""


class ProfileError(MatineeError):
    """A visitor's ratings cannot be read or kept, or a file of ratings cannot be taken over.

    The message is for whoever runs the server. The page says it in the visitor's language: `reason`
    tells which sentence that is, and `values` fill its placeholders.
    """

    def __init__(self, message: str, reason: str = "storage", **values: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.values = values
