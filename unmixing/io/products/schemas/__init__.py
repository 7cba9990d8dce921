"""The documents that ``unmixing.io.products.document`` writes, as types: the OpenAPI document is made of them, and
tests hold them against real documents. Nothing validates a result on its way out: it goes out as it was stored."""
