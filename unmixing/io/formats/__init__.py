"""File formats: from bytes to arrays with what the header says of them. ``table.FORMATS`` has a row for each."""
