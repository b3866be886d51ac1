"""Haystack 1's readers and its pipeline for extractive question answering.

With `strict=True`, the default, scores are Haystack 1.26's. `strict=False` mends what loses answers: there,
answers and "no answer" were scored on different scales, so that an answer could lose although every text
preferred it, and the scores of different documents did not compare. Instead, `FARMReader` gives calibrated
probabilities, and `TransformersReader` scores "no answer" on the answers' own scale.
"""

from fundstelle.compat.haystack_farm_reader import FARMReader
from fundstelle.compat.haystack_retrieving import BM25Retriever, ExtractiveQAPipeline
from fundstelle.compat.haystack_schema import Answer, Document, Span
from fundstelle.compat.haystack_transformers_reader import TransformersReader

__all__ = [
    "Answer",
    "BM25Retriever",
    "Document",
    "ExtractiveQAPipeline",
    "FARMReader",
    "Span",
    "TransformersReader",
]
