"""The app as its author wrote it: livejob.toml, and jobs read from the source, never imported."""
