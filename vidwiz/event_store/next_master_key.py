"""Where the next master key comes from, and how it takes the place of the last one."""

from vidwiz.settings import Settings
from vidwiz.settings.environment import SettingsError

SETTING, FILE, NEXT_FILE = "VIDWIZ_MASTER_KEY_NEXT", "master_key", "master_key.next"


def other_master_keys(settings: Settings) -> list[bytes]:
    """What else may have wrapped a key by now: the next master key, and the file's newest.

    Raises ``SettingsError``.
    """
    given = settings.master_key_next
    keys = [] if given is None else [settings.key(given, SETTING, "")]
    if settings.master_key is None:
        there = [name for name in (NEXT_FILE, FILE) if settings.secret_file(name).exists()]
        keys += [settings.key(None, "", name) for name in there]
    return keys


def make_next_master_key(settings: Settings) -> bytes:
    """The master key to be, made in the data folder where no setting gives it."""
    given = settings.master_key_next
    if given is None and settings.master_key is not None:
        raise SettingsError(
            "VIDWIZ_MASTER_KEY is set: set VIDWIZ_MASTER_KEY_NEXT to the new key for every"
            " process, start them again one by one, then: vidwiz rekey"
        )
    return settings.key(given, SETTING, NEXT_FILE)


def adopt_next_master_key(settings: Settings) -> bool:
    """Let the next master key's file, if there is one, take the place of the last one's."""
    file = settings.secret_file(NEXT_FILE)
    if settings.master_key is not None or not file.exists():
        return False
    file.replace(settings.secret_file(FILE))
    return True
