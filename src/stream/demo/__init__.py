"""The demo: a written feed through the real worker, on a broker in memory."""
