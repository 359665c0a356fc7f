"""What a pack says about its categories, as texts to learn from beside the examples: names, definitions, synonyms, references."""

import re
from collections.abc import Iterable

from services.classifier.model import Text
from shared.pack import model as pack_model
from shared.pack.model import Category, Pack, walk

_CLAUSES = re.compile(r"[；;。]")


def leaves(pack: Pack) -> list[Category]:
    """The categories that messages are given: those in use that have none in use below them."""
    every = (category for top in pack.categories for category in walk(top) if not category.retired)
    return [category for category in every if all(child.retired for child in category.children)]


def descriptions(pack: Pack) -> list[tuple[str, Text]]:
    """Texts that describe a category, with its code."""
    language = pack.city.language[:2]
    own = [(category.code, Text("", _description(category, language))) for category in leaves(pack)]
    return own + [(code, Text("", text)) for code, text in _references(pack, language)]


def _description(category: Category, language: str) -> str:
    return "\n".join((_in(category.name, language), _in(category.definition, language), *category.synonyms))


def _references(pack: Pack, language: str) -> Iterable[tuple[str, str]]:
    """`not_here` says what belongs elsewhere, and where: a clause that names another category describes that one."""
    codes = {_in(category.name, language): category.code for category in leaves(pack)}
    for category in leaves(pack):
        clauses = _CLAUSES.split(_in(category.not_here, language)) if category.not_here else []
        for clause in clauses:
            named = [name for name in codes if name and name.casefold() in clause.casefold()]
            if named and codes[max(named, key=len)] != category.code:
                yield codes[max(named, key=len)], re.sub(re.escape(max(named, key=len)), " ", clause, flags=re.IGNORECASE)


def _in(text: pack_model.Text, language: str) -> str:
    return (text.en if language == "en" else text.zh) or str(text)
