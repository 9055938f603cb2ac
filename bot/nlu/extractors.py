"""What a message says for certain: places, departments, ages, sections of the law.

The rules stand in `bot.knowledge`; this hands them to Rasa.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.knowledge.ages import find_age
from bot.knowledge.database import make_engine
from bot.knowledge.departments import DepartmentNames
from bot.knowledge.directory import Directory
from bot.knowledge.laws import LawBook
from bot.knowledge.places import Gazetteer

PLACES = "places"
AGE = "age"
LAWS = "laws"
DEPARTMENTS = "departments"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class FactExtractor(GraphComponent):
    """Sets what a message says for certain.

    `age` in years; `places`: found with roles, ambiguous codes, an unknown name, and the one that decides; `laws`: the
    sections named, with their topics and what took their place; `departments`: kinds of department and local names.
    """

    def __init__(self, directory: Directory) -> None:
        """Keep the names of places and departments, and the sections of the laws."""
        self._departments = DepartmentNames(directory)
        self._gazetteer, self._law_book = Gazetteer(directory), LawBook(directory)

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> FactExtractor:
        """Read names and sections from the table."""
        return cls(Directory.read(make_engine()))

    def process(self, messages: List[Message]) -> List[Message]:
        """Set places, departments, age and laws on each message with text."""
        for message in messages:
            if text := message.get(TEXT):
                places = self._gazetteer.find(text)
                concerned = places.concerned
                code = concerned.code if concerned else None
                named = self._departments.find(text, code)
                message.set(PLACES, {**asdict(places), "municipality": code}, add_to_output=True)
                message.set(DEPARTMENTS, [asdict(department) for department in named], add_to_output=True)
                message.set(AGE, find_age(text), add_to_output=True)
                message.set(LAWS, [asdict(law) for law in self._law_book.find(text)], add_to_output=True)
        return messages
