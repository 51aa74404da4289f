"""Wiz: answers questions about a video from its transcript, with citations."""
