"""The pages of the app, a file a page."""
