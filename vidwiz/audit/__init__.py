"""Reading the log as an auditor does: filtered, followed, as causes and effects, as of then."""
