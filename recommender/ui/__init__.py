"""Re-exports of the app's loaders under the name that they had before `recommender.app`."""
