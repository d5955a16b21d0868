"""Actors on the log: handlers, recorded activities, supervision and replay."""
