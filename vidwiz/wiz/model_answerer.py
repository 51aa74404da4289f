"""Answers by a language model that is given the transcript, or the relevant parts of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from vidwiz.adapters.language_model import LanguageModel, Prompt
from vidwiz.wiz.answers import Question
from vidwiz.wiz.prompts import chat_prompt

FEW_SEGMENTS = 300
"""A prompt with more of them takes milliseconds, which others should not wait for."""


class ModelAnswerer:
    """An ``Answerer`` whose prompts stay within a budget of tokens."""

    def __init__(self, model: LanguageModel, budget_tokens: int) -> None:
        self._model = model
        self._budget_tokens = budget_tokens

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """What the model says; raises ``ModelError``."""
        async with aclosing(self._model.stream(await self._prompt(question))) as pieces:
            async for piece in pieces:
                yield piece

    async def _prompt(self, question: Question) -> Prompt:
        if len(question.segments) <= FEW_SEGMENTS:
            return chat_prompt(question, self._budget_tokens)
        return await asyncio.to_thread(chat_prompt, question, self._budget_tokens)
