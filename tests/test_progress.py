import io

from recommender.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def feed(stream: io.StringIO) -> str:
    with Progress(stream) as progress:
        for fraction in (0.0, 0.5, 1.0):
            progress("stars", fraction)
        progress("content", 1.0)
    return stream.getvalue()


def test_elsewhere_a_line_a_stage() -> None:
    assert feed(io.StringIO()).splitlines() == [
        "Training the stars model …",
        "Reading the movies' texts …",
    ]


def test_in_a_terminal_a_moving_line() -> None:
    text = feed(Terminal())
    assert text.count("\n") == 2
    assert "100%" in text
    assert text.rindex("Reading the movies' texts") > text.rindex("Training the stars model")
