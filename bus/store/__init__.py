"""The log on disk: SQLite, its writer and reader, artefacts, the lock, forks."""
