"""File formats, a module each: from bytes to arrays with what the header says of them."""
