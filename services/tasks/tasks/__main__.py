"""`python -m tasks`: serve, migrate, audit verify, parked."""

from tasks.app import service

service.command_line()
