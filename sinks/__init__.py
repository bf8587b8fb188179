"""Where results go: Redis, the WebSocket gateway, files, the web pages."""
