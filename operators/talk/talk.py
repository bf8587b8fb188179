"""The part of a shard that listens: what comments add to the cube's measures.

Called by the fold for every stretch, between the placing of orders and the cube.
"""

from typing import Final

import numpy as np

from operators.columns import Columns
from operators.orders import Placed
from operators.plan import ID_COLUMNS, VALUE_COLUMNS
from operators.talk.comments import Comments
from operators.talk.words import Words
from stream.events import TYPE_CODE

_COMMENT: Final = TYPE_CODE["comment"]
_QUESTION: Final = VALUE_COLUMNS.index("question")
_NEGATIVE: Final = VALUE_COLUMNS.index("negative")
_USER: Final = ID_COLUMNS.index("user")
_NEGATIVE_USER: Final = ID_COLUMNS.index("negative_user")


class Talk:
    """Listens to one shard."""

    def __init__(self, words: Words) -> None:
        self.comments = Comments(words)

    def take(self, columns: Columns, placed: Placed) -> None:
        """Fill in what comments say about themselves."""
        comments = np.flatnonzero(columns.type == _COMMENT)
        if not len(comments):
            return
        texts = [columns.objects[place].text or "" for place in comments.tolist()]
        said = self.comments.read(texts)
        placed.values[_QUESTION, comments] = said.question
        placed.values[_NEGATIVE, comments] = said.negative
        viewers = placed.ids[_USER, comments]
        placed.ids[_NEGATIVE_USER, comments] = np.where(said.negative > 0, viewers, -1)
