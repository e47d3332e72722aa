"""The application: intake, cases, decisions, publishing, console, accounts, audit, command line."""
