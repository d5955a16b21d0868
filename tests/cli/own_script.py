"""A scenario that begins, and with one trial ends, with a script of the user's own."""

OWN_SCENARIO = """
name: own
task: task
start: mine.py
traces: 1
budget: {trials: TRIALS}
backends: {offline: {kind: expert}}
roles: {diagnoser: offline, proposer: offline, executor: offline}
executors: {slots: 2, threads: 1, timeout: {debug: 30s, full: 60s}, standby: false}
method: {finish: {candidates: 1, seeds: 1, ship: SHIP}}
"""
"""`TRIALS` and `SHIP` are to be replaced."""
