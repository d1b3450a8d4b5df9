"""Qingdan's contracts: the envelope, the registry of topics and every event, for services and integrators alike."""
