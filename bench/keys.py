"""The master key of the benchmark's databases."""

from base64 import b64decode

from vidwiz.events.master_key import MasterKey

MASTER_KEY = "bWFzdGVyIGtleSBvZiB0aGUgYmVuY2gsIDMyIGJ5dGU="
MASTER = MasterKey(b64decode(MASTER_KEY))
