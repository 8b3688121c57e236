"""The review page: server-rendered over the review store; little JavaScript, nothing from outside."""
