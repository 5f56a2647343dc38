"""The languages of the app and its texts."""
