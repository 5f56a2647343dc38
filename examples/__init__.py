"""Small apps that a memory limit kills, and the same apps with the lines that keep them alive."""
