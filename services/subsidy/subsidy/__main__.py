"""`python -m subsidy`: serve, migrate, audit verify, parked."""

from subsidy.app import service

service.command_line()
