"""How passages are cut into windows and spans chosen: one set of numbers for a reader."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What a user may set. Lengths are in tokens; None means "what suits the model", 0 means 0.

    Attributes:
        max_seq_length: tokens of a window, special tokens included; None: 256, or the model's maximum.
        stride: tokens of the passage that neighbouring windows share; None: 96, or half the room if less.
        max_question_length: a longer question is cut there, with a warning.
        max_answer_length: longest answer.
        top_k: spans reported per passage, none overlapping another.
        align_to_words: move span borders out to whole words (to whole characters in scripts without spaces).
        token_budget: most tokens of one batch, padding included.
        group_size: passages tokenised and held in memory at a time.
    """

    max_seq_length: int | None = None
    stride: int | None = None
    max_question_length: int = 64
    max_answer_length: int = 30
    top_k: int = 3
    align_to_words: bool = True
    token_budget: int = 6144
    group_size: int = 256

    def __post_init__(self) -> None:
        for name in ("max_question_length", "max_answer_length", "token_budget", "group_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.top_k < 0 or (self.stride is not None and self.stride < 0):
            raise ValueError("top_k and stride must not be negative.")
