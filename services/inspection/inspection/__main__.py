"""`python -m inspection`: serve, migrate, audit verify, parked."""

from inspection.app import service

service.command_line()
