"""The three Python APIs of extractive QA that were removed, on this project's reader: change one import line.

    fundstelle.compat.transformers   pipeline("question-answering"), AutoModelForQuestionAnswering, AutoTokenizer
    fundstelle.compat.farm           Inferencer, AdaptiveModel, Tokenizer, QAInput, Question
    fundstelle.compat.haystack       FARMReader, TransformersReader, ExtractiveQAPipeline, BM25Retriever

What differs from the originals, and why, is in docs/old-apis.md.
"""
