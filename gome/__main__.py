"""`python -m gome` is the command line."""

from gome.cli.app import main

if __name__ == "__main__":
    main()
