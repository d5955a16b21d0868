"""The log on disk: SQLite, writer, reader, artefacts, lock, forks."""
