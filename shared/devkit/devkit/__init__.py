"""Development only: real Kafka, real PostgreSQL, a token issuer and the services as processes, on one machine."""
