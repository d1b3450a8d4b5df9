"""A stand-in service on the runtime: a command takes a step on a task, and every step heard of leaves an effect."""
