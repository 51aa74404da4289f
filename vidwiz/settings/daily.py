"""Settings of what a day allows: what costs money, and what fills the disk."""

from pydantic import Field
from pydantic_settings import BaseSettings

MOST = 10**12


class DailySettings(BaseSettings):
    """A part of ``Settings``; days are UTC days. One bounds what a person stores in all."""

    ai_notes_a_day: int = Field(
        200,
        ge=0,
        le=MOST,
        validation_alias="VIDWIZ_AI_NOTES_A_DAY",
        description="AI notes that are written for one user a day",
    )
    new_videos_a_day: int = Field(
        200,
        ge=0,
        le=MOST,
        validation_alias="VIDWIZ_NEW_VIDEOS_A_DAY",
        description="videos for which one user, or the guests of one network, ask workers a day",
    )
    writes_a_day: int = Field(
        5000,
        ge=0,
        le=MOST,
        validation_alias="VIDWIZ_WRITES_A_DAY",
        description="changes that one user, or the guests of one network, may make a day",
    )
    bytes_a_day: int = Field(
        50_000_000,
        ge=0,
        le=MOST,
        validation_alias="VIDWIZ_BYTES_A_DAY",
        description="bytes that one user may send a day: transcripts, notes, submissions",
    )
    bytes_a_person: int = Field(
        1_000_000_000,
        ge=0,
        le=MOST,
        validation_alias="VIDWIZ_BYTES_A_PERSON",
        description="bytes of text that one user may have stored in all; 0: any number",
    )
    own_summaries_a_day: int = Field(
        50,
        ge=0,
        le=MOST,
        validation_alias="VIDWIZ_OWN_SUMMARIES_A_DAY",
        description="summaries of transcripts that one user brought a day",
    )
    summaries_a_day: int = Field(
        2000,
        ge=0,
        le=MOST,
        validation_alias="VIDWIZ_SUMMARIES_A_DAY",
        description="summaries a day in all",
    )
    model_calls_a_day: int = Field(
        10_000,
        ge=0,
        le=MOST,
        validation_alias="VIDWIZ_MODEL_CALLS_A_DAY",
        description="questions, summaries and AI notes a day that a language model may cost in all",
    )
