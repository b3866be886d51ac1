"""Every setting of the service, once: from the environment, a TOML file, or the command line."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from fundstelle.indexing.languages import checked_or_auto

FILE_VARIABLE = "FUNDSTELLE_SETTINGS"
"""The environment variable that names a TOML file of settings."""

Words = Annotated[tuple[str, ...], NoDecode]
"""Several words: a list in a file, separated by commas in the environment."""

OldEndpoints = Annotated[tuple[Literal["haystack1", "farm"], ...], NoDecode]


class Settings(BaseSettings):
    """How the service runs. A field `store` is the variable `FUNDSTELLE_STORE` and the key `store` of a file.

    Arguments win over the environment, the environment over the file that `FUNDSTELLE_SETTINGS` names.
    """

    model_config = SettingsConfigDict(
        env_prefix="FUNDSTELLE_", extra="forbid", frozen=True, validate_default=True
    )

    store: str = Field(
        default=".fundstelle", description="The collection: a folder, or elasticsearch://host:9200/index."
    )
    reader: str | None = Field(
        default=None, description="An extractive QA model by hub name or folder; the bundled one."
    )
    retriever: Literal["bm25", "dense", "hybrid"] | None = Field(
        default=None,
        description="How passages are found; hybrid where the collection has vectors, else bm25.",
    )
    encoder: str | None = Field(
        default=None, description="A sentence encoder by hub name or folder; the bundled one."
    )
    vectors: bool = Field(
        default=True, description="Give uploaded passages vectors, so that they are found by meaning."
    )
    data: Path = Field(
        default=Path(".fundstelle-service"),
        description="Folder of jobs, uploads under way, API keys and feedback.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    open: bool = Field(
        default=False,
        description="Listen beyond this machine, or answer everybody, although there are no API keys.",
    )
    root_path: str = Field(
        default="", description="Path under which a proxy shows the service, as in /search."
    )
    cors_origins: Words = Field(default=(), description="Web origins whose pages may call the service.")
    compat: OldEndpoints = Field(default=(), description="Old endpoints to keep alive: haystack1, farm.")
    page: bool = Field(default=True, description="Show the page for people at /.")

    workers: int = Field(default=1, ge=1, le=64, description="Processes that convert and analyse uploads.")
    language: str = Field(default="auto", description="Language of uploads as a BCP 47 code, or auto.")

    max_waiting: int = Field(
        default=64, ge=1, description="Requests answered or waiting at a time; more get 503."
    )
    max_waiting_per_client: int = Field(
        default=32, ge=1, description="The part of these that one client may have; more get 429."
    )
    deadline_seconds: float = Field(
        default=30.0, gt=0, description="Time one question may take, waiting included."
    )
    shutdown_seconds: float = Field(
        default=30.0, gt=0, description="Time that requests under way are given when the service stops."
    )

    max_request_bytes: int = Field(
        default=2_000_000, ge=1, description="Largest body of a request without files."
    )
    max_upload_bytes: int = Field(default=100_000_000, ge=1, description="Largest file of an upload.")
    max_upload_request_bytes: int = Field(
        default=200_000_000, ge=1, description="Largest request with files."
    )
    max_upload_files: int = Field(default=100, ge=1, description="Most files or texts of one request.")
    max_waiting_jobs: int = Field(
        default=100, ge=1, description="Indexing jobs waiting at a time; more get 503."
    )
    max_waiting_bytes: int = Field(
        default=2_000_000_000, ge=1, description="Uploads on the disk that wait to be indexed; more get 503."
    )
    max_question_characters: int = Field(default=1000, ge=1, description="Longest question.")
    max_questions: int = Field(default=50, ge=1, description="Most questions of one request.")
    max_read_characters: int = Field(
        default=200_000, ge=1, description="Most text of one request to /v1/read."
    )

    @field_validator("cors_origins", "compat", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word for word in (part.strip() for part in value.split(",")) if word)
        return value

    @field_validator("language")
    @classmethod
    def _check_language(cls, value: str) -> str:
        return checked_or_auto(value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        if file := os.environ.get(FILE_VARIABLE):
            if not Path(file).is_file():
                raise ValueError(
                    f"{FILE_VARIABLE} names {file}, and there is no such file. Correct it, or unset it."
                )
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(file))
        return init_settings, env_settings


def load(**given: Any) -> Settings:
    """The settings, those that are given and the rest from environment and file.

    Raises:
        ValueError: a setting is not what it must be; the message is a sentence for each.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = [f"{_name(each['loc'])}: {each['msg']}" for each in error.errors()]
        raise ValueError(f"The settings cannot be used. {'; '.join(wrong)}. See docs/service.md.") from error


def _name(place: tuple[int | str, ...]) -> str:
    return f"FUNDSTELLE_{str(place[0]).upper()}" if place else "The settings"
