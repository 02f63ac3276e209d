"""``stream doctor``: checks whether everything that a worker needs is in order.

    collect_broker, collect_host ─▶ facts ─▶ check_* ─▶ findings

The collectors gather facts and judge nothing. The checks are pure functions from facts to findings.
"""
