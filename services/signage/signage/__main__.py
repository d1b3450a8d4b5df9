"""`python -m signage`: serve, migrate, audit verify, parked."""

from signage.app import service

service.command_line()
