"""`python -m logscope` is `logscope`."""

from logscope.cli import main

main()
