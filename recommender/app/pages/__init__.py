"""The pages: a module each, named here in the order of the menu. The first is the home page."""

PAGES = ("home", "my_ratings", "for_you", "similar", "hybrid", "about")


def url_path(name: str) -> str:
    """Return the path of a page's address: empty for the home page, ``"for-you"`` for for_you."""
    return "" if name == PAGES[0] else name.replace("_", "-")
