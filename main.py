"""Start the command line from a checkout: `python main.py` is the same as `gome`. See cli/app.py."""

from gome.cli.app import main

if __name__ == "__main__":
    main()
