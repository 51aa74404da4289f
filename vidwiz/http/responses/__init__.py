"""What a response says, and the models that OpenAPI shows of it."""
