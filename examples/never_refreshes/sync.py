"""A common bug: this integration never refreshes its token, so it fails at minute 31."""

import requests


class ContactSync:
    """Reads every contact of a HubSpot account."""

    def __init__(self, tokens, base_url="https://api.hubapi.com"):
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def emails(self):
        url = f"{self.base_url}/crm/v3/objects/contacts?limit=100"
        emails = []
        while url:
            answer = self.session.get(url, timeout=10)
            answer.raise_for_status()
            page = answer.json()
            emails += [contact["properties"]["email"] for contact in page["results"]]
            url = page.get("paging", {}).get("next", {}).get("link")
        return emails
