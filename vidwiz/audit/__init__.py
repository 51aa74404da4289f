"""Evidence of tampering: signed checkpoints of the log, its verification, export and import."""
