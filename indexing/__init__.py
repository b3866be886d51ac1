"""Files to documents, documents to passages, passages to a store."""
