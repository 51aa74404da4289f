"""VidWiz turns watching YouTube into knowledge you keep; everything that changes is an event."""
