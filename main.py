"""`python main.py` is the command line, as `gome` is where the package is installed. See cli/app.py."""

from gome.cli.app import main

if __name__ == "__main__":
    main()
