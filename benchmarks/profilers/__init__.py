"""Other tools that show a Python program's memory, beside this one, on the same programs."""
