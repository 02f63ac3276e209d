"""``stream doctor``: whether everything that a worker needs is there.

    ask_broker, ask_machine ─▶ facts ─▶ *_rules ─▶ findings

What asks knows no rules; the rules are pure, and tested as data.
"""
