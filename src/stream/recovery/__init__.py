"""How to go on after a log went back: `stream recover`."""
