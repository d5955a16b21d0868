"""The command line. `app` is the entry point; commands read runs through `viewer`."""
