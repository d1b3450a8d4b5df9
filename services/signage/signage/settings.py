"""All that the signage service reads from its environment."""

from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service reads; this one needs nothing more."""
