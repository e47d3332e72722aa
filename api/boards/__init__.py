"""The boards of the knowledge managers: what to fix next, ranked by the people it touches a week.

`compute` finds, `keeping` remembers what was found and decided, `job` runs it beside the requests.
"""
