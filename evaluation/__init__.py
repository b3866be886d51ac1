"""Official figures for reader, retriever and the whole system: rows first, averages from the rows."""
