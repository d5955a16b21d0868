"""Scenario files: settings, loader, prices of models."""
