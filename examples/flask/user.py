"""Who has sent a request."""

import os


def current_user_id(request):
    """The user's id, or None if nobody has signed in.

    THIS IS A PLACEHOLDER, AND NO PROTECTION: with ALLOW_DEMO_USER=1, whoever can reach the server
    can be anybody. Put your own check here, of a session or of a token's signature. Everything else
    goes by what this returns.
    """
    if os.environ.get("ALLOW_DEMO_USER") != "1":
        return None
    return request.headers.get("X-Demo-User") or "user_123"
