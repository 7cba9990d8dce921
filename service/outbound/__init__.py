"""All that the service asks of others or sends to them: files by reference, and webhooks. Nothing else connects out."""
