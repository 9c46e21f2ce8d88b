"""An integration that uses `requests` and has no setting for the base URL."""

import requests

API = "https://api.hubapi.com"


def refresh(client_id, client_secret, refresh_token):
    form = {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "client_secret": client_secret,
        "refresh_token": refresh_token,
    }
    answer = requests.post(f"{API}/oauth/v1/token", data=form, timeout=10)
    answer.raise_for_status()
    return answer.json()["access_token"]


def deals(access_token):
    answer = requests.get(
        f"{API}/crm/v3/objects/deals", headers={"Authorization": f"Bearer {access_token}"}, timeout=10
    )
    answer.raise_for_status()
    return answer.json()["results"]
