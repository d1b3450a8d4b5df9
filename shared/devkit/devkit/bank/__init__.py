"""A bank for the devkit: a process of its own behind Kafka that pays, rejects, forgets and repeats as it is told to."""
