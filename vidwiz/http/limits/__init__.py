"""How much anybody may ask: requests, bodies, connections, and what a day allows."""
