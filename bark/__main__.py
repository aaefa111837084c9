"""`python -m bark` is the command `bark`."""

from bark.cli.main import main

if __name__ == "__main__":
    main()
