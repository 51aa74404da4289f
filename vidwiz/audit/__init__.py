"""The auditor's desk: the log read, followed and proved, and the tables as of then."""
