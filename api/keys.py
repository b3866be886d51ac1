"""API keys: made once, shown once, kept as hashes.

A key is `fs_ID_SECRET`. The secret has 256 random bits, so that a fast hash is as good as a slow one: there is
nothing to guess. The id finds the hash, the secret is compared in constant time.
"""

import hmac
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from fundstelle.api.database import Database

_PREFIX = "fs"
_NO_HASH = bytes(32)


class Scope(StrEnum):
    """What a key allows: `read` to ask and to look, `write` to add and to delete."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key: everything but the key."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created: float


class Keys:
    """The keys of a database. Changes by other processes count at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, scopes: frozenset[Scope]) -> str:
        """Make a key; this is the only time that it is seen. ValueError without name or scopes."""
        if not name.strip() or not scopes:
            raise ValueError("A key needs a name, and at least one scope: read or write.")
        key_id, secret = secrets.token_hex(4), secrets.token_hex(32)
        self._database.change(
            "INSERT INTO keys VALUES (?, ?, ?, ?, ?)",
            (key_id, _hash(secret), name.strip(), " ".join(sorted(scopes)), time.time()),
        )
        return f"{_PREFIX}_{key_id}_{secret}"

    def remove(self, key_id: str) -> bool:
        """Whether there was such a key; it opens nothing any more."""
        return bool(self._database.change("DELETE FROM keys WHERE id = ?", [key_id]))

    def all(self) -> list[Key]:
        """Every key, oldest first."""
        rows = self._database.rows("SELECT * FROM keys ORDER BY created, rowid")
        return [_key(row["id"], row["name"], row["scopes"], row["created"]) for row in rows]

    @property
    def exist(self) -> bool:
        """Whether there is any key: then every request needs one."""
        return bool(self._database.rows("SELECT 1 FROM keys LIMIT 1"))

    def find(self, token: str) -> Key | None:
        """The key that `token` is; None where it is none."""
        prefix, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        rows = self._database.rows("SELECT * FROM keys WHERE id = ?", [key_id])
        # An unknown id takes the same comparison, so that time tells nothing about ids either.
        expected = rows[0]["hash"] if rows else _NO_HASH
        is_right = hmac.compare_digest(expected, _hash(secret))
        if not (is_right and rows and prefix == _PREFIX):
            return None
        row = rows[0]
        return _key(row["id"], row["name"], row["scopes"], row["created"])


def _key(key_id: str, name: str, scopes: str, created: float) -> Key:
    return Key(key_id, name, frozenset(map(Scope, scopes.split())), created)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
