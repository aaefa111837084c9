"""`python -m bark.cli` is the command `bark`, as in the original."""

from bark.cli.main import main

if __name__ == "__main__":
    main()
