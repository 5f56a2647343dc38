"""The app's loaders under the name that they had before `recommender.app`; the app uses that one."""
