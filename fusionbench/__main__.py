"""`python -m fusionbench`."""

from fusionbench.cli import main

if __name__ == "__main__":
    main()
