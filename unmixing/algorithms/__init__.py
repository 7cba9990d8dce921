"""Classical algorithms on arrays: abundances, endmembers, factorizations, and how an answer is measured."""
