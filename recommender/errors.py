"""What can go wrong that the person at the keyboard can mend.

Every message is one line that names the file, row, column or setting and says what to do; the
command line prints it on stderr and the app shows it in the page, both without a traceback.
"""


class MatineeError(Exception):
    """Base of all errors that are meant to be read by the person who caused them."""


class SettingsError(MatineeError):
    """A setting or environment variable has a value that cannot be used."""


class DataError(MatineeError):
    """An input file is missing, unreadable, or holds something it must not."""


class BundleError(MatineeError):
    """A bundle is missing, of another format version, truncated or altered."""


class NotFoundError(MatineeError):
    """The user or movie asked for is not in the bundle, or a method does not cover it."""
