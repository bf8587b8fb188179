"""What viewers say and buy together: comment terms, keywords and the orders after, pairs."""
