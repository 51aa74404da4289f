"""The wire: parse, authorise, send one command or run one query, shape the answer."""
