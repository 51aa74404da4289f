"""The outside world: each module speaks to one service and hides how."""
