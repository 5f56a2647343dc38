"""The published app's way to answer, written as it is there: pandas, Surprise, scikit-learn, loops.

    .venv/bin/python -m benchmarks.serving --bundle bundle --published

Its three questions, for `serving.py` to time beside Matinee's on the same ratings:

* similar by collaboration: `SVD.predict` for every user and every movie, then the cosine between
  the columns of that table;
* recommendations: `SVD.predict` for every movie that the user has not rated;
* hybrid: 0.6 · predicted stars + 0.4 · content for each of these movies, one at a time.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity
from surprise import SVD, Dataset, Reader

from recommender import Recommender

WEIGHT = 0.6


class Published:
    """The published recommender on the ratings and texts of a bundle; users and movies by index.

    Memory: Surprise's training set takes some 400 bytes a rating, and `similar` about 50 bytes for
    each user and movie.
    """

    def __init__(self, matinee: Recommender) -> None:
        blocks = list(matinee._history.everything())
        self.ratings = pd.DataFrame(
            {
                name: np.concatenate([getattr(block, name) for block in blocks])
                for name in ("users", "movies", "ratings")
            }
        )
        reader = Reader(rating_scale=matinee.scale)
        settings = matinee.bundle.training.settings.stars
        model = SVD(n_factors=settings["n_factors"], n_epochs=settings["n_epochs"])
        self.model = model.fit(Dataset.load_from_df(self.ratings, reader).build_full_trainset())
        texts = matinee._catalogue.movies(range(matinee.statistics.movies))
        words = [" ".join([*movie.genres, movie.title]) for movie in texts]
        self.features = TfidfVectorizer(stop_words="english", max_features=2000).fit_transform(
            words
        )

    def similar(self, movie: int, n: int) -> pd.Series:
        """The n movies whose predicted stars are most like those of `movie`."""
        users, movies = self.ratings["users"].unique(), self.ratings["movies"].unique()
        table = pd.DataFrame(
            [[self.model.predict(user, one).est for one in movies] for user in users],
            index=users,
            columns=movies,
        )
        likeness = cosine_similarity(table[[movie]].T, table.T)[0]
        return pd.Series(likeness, index=movies).drop(movie).nlargest(n)

    def recommend(self, user: int, n: int) -> pd.Series:
        """The n movies with the highest predicted stars, of those not rated."""
        return pd.Series(
            {movie: self.model.predict(user, movie).est for movie in self._candidates(user)}
        ).nlargest(n)

    def hybrid(self, user: int, n: int) -> pd.Series:
        """The n best of 0.6 · predicted stars + 0.4 · likeness to what the user liked."""
        rated = self.ratings[self.ratings["users"] == user]
        liked = rated[rated["ratings"] >= rated["ratings"].mean()]
        taste = np.asarray(self.features[liked["movies"].to_numpy()].mean(axis=0))
        scores = {}
        for movie in self._candidates(user):
            stars = self.model.predict(user, movie).est
            content = cosine_similarity(taste, self.features[movie])[0, 0]
            scores[movie] = WEIGHT * stars + (1 - WEIGHT) * content
        return pd.Series(scores).nlargest(n)

    def _candidates(self, user: int) -> list[int]:
        rated = set(self.ratings.loc[self.ratings["users"] == user, "movies"])
        return [movie for movie in self.ratings["movies"].unique() if movie not in rated]
