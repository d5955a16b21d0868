"""Scenario files, tasks, splits, metrics, checks, grading. Imports nothing from agents or the bus."""
