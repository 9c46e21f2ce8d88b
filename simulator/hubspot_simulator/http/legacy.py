"""The 401 of HubSpot's v1 and v2 APIs (docs/fidelity.md, "Legacy paths")."""

from __future__ import annotations

from ..core.errors import ApiError, ExpiredAuthentication, InvalidApiKey, InvalidAuthentication


def expired(error: ExpiredAuthentication) -> ApiError:
    """Return the refusal of an expired token."""
    return ApiError(
        401,
        f"This oauth-token is expired! expiresAt: {error.expires_at_ms}, now: {error.now_ms}",
        {"category": "EXPIRED_AUTHENTICATION", "errors": [{"message": error.message}]},
    )


def missing(error: InvalidAuthentication) -> ApiError:
    """Return the refusal of missing or unusable credentials, which lists what did not engage."""
    oauth = (
        "Malformed OAuth access token found in request header."
        if error.malformed
        else "OAuth access token not found in request header."
    )
    engagement = {
        "service-to-service": "service-to-service not engaged. Metadata for service-to-service request not found.",
        "oauth-token": f"oauth-token not engaged. {oauth}",
        "hapikey": "hapikey not engaged. hapikey is not present in query params.",
        "app-cookie": "app-cookie not engaged. App cookie is not present on the request.",
        "internal-cookie": "internal-cookie not engaged. Cookie not found in the request.",
    }
    return ApiError(401, "Any of the listed authentication credentials are missing", {"engagement": engagement})


def api_key(error: InvalidApiKey) -> ApiError:
    """Return the refusal of a ``hapikey``."""
    return ApiError(401, "This hapikey doesn't exist.")
