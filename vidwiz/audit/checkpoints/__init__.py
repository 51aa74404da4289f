"""The signed checkpoints of the log: made, copied out of the database's reach, and checked."""
