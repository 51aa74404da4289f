"""What makes a process of the service, and runs it."""
