"""Tables that the API reads, built from events: tables, projectors, queries, replay."""
