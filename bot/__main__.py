"""`python -m bot` is the vejviser command."""

from bot.cli import main

main()
