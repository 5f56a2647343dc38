"""Files of one's own ratings, for the tests of what reads them."""

import pytest

from recommender.core.errors import ProfileError
from recommender.visitors.ratings_files import from_file

SCALE = (0.5, 5.0)
LETTERBOXD = """Date,Name,Year,Letterboxd URI,Rating
2021-03-01,기생충,2019,https://example.invalid/1,4.5
2021-03-02,"Amelie",2001,https://example.invalid/2,0.5
2021-03-03,No Such Movie,1980,https://example.invalid/3,3
2021-03-04,Another *One*,,https://example.invalid/4,3
2021-03-05,Movie number 10,1960,https://example.invalid/5,
"""


def reason(data: bytes | str, scale: tuple[float, float] = SCALE) -> str:
    """Return why the file is refused."""
    with pytest.raises(ProfileError) as error:
        from_file(data.encode() if isinstance(data, str) else data, scale)
    assert "\n" not in str(error.value)
    return error.value.reason
