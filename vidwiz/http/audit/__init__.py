"""The routes of auditors."""
