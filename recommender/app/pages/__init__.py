"""The pages: a module each, named here in the order of the menu. The first is the home page."""

MAIN = ("tonight", "discover", "my_ratings", "me")
# For the users of a data set, and about the models: a group of their own in the menu.
LAB = ("for_you", "similar", "hybrid", "about")
# Pages that others lead to.
HIDDEN = ("movie", "together")
# With DEBUG_MEMORY only, in the group of the models.
DEBUG = ("memory",)
PAGES = (*MAIN, *LAB, *HIDDEN)


def url_path(name: str) -> str:
    """Return the path of a page's address: empty for the home page, ``"for-you"`` for for_you."""
    return "" if name == PAGES[0] else name.replace("_", "-")
