"""`python -m brainseg`."""

from brainseg.cli.app import main

if __name__ == "__main__":
    main()
