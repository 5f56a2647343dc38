"""Recording memory over time: actions, commands, lines of code."""
