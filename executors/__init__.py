"""Runs scripts: sandbox, limits, slots. Contains nothing about agents."""
