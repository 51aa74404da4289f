"""The forms that settings may have, so that a wrong one is refused at start and not when used."""

import re
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, StringConstraints

LONGEST_URL = 2000
PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")


def is_url(text: str, *schemes: str) -> bool:
    """Whether it is a URL of one of the schemes, with a host and, if it has any, a real port."""
    if len(text) > LONGEST_URL or _SPACE_OR_CONTROL.search(text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _url(text: str) -> str:
    if not is_url(text, "http", "https"):
        raise ValueError("a URL like https://host:port/path is needed")
    return text


def _proxy(secret: SecretStr) -> SecretStr:
    if not is_url(secret.get_secret_value(), *PROXIES):
        raise ValueError("a URL like http://user:password@host:3128 is needed")
    return secret


def _sendable(secret: SecretStr) -> SecretStr:
    if not _HEADER_VALUE.fullmatch(secret.get_secret_value()):
        raise ValueError("it is sent in a header: only printable ASCII is possible")
    return secret


def _proxies(text: str) -> str:
    for one in (part.strip() for part in text.split(",")):
        try:
            if one != "*":
                ip_network(one, strict=False)
        except ValueError:
            raise ValueError(
                "addresses or networks like 10.0.0.0/8 are needed, separated by commas, or *"
            ) from None
    return text


Url = Annotated[str, AfterValidator(_url)]
"""An http or https URL."""
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
HeaderSecret = Annotated[SecretStr, AfterValidator(_sendable)]
"""A secret that travels in a header."""
Word = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
"""A name that another service gave, without spaces."""
Bucket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{2,254}$")]
"""A bucket's name, or an access point's."""
Languages = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+( *, *[A-Za-z0-9-]+)*$")]
Proxies = Annotated[str, AfterValidator(_proxies)]
