"""`gome mcp`: runs served to assistants by the Model Context Protocol, over standard input and output."""
