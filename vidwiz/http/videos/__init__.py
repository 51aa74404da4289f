"""The routes of videos, their transcripts and their search."""
