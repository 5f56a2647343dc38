"""The visitors' cookie, by which their ratings are found."""

COOKIE = "matinee_visitor"
