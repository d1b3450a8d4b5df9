"""The story of Wuguanying's work meeting, told through HTTP and Kafka alone, as users would live it."""
