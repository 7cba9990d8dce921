"""The JSON documents of the service, and the pictures of it in the OpenAPI document: a module per resource."""
