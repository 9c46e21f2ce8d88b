"""What scopes mean, in plain words."""

from __future__ import annotations

import re

_CRM = re.compile(r"crm\.(objects|schemas)\.([a-z_]+)\.(read|write)")
_CRM_WORDS = {
    ("objects", "read"): "Read {}",
    ("objects", "write"): "Create, change and delete {}",
    ("schemas", "read"): "Read which properties {} have",
    ("schemas", "write"): "Change which properties {} have",
}
_WORDS = {
    "oauth": "Connect to the account",
    "account-info.security.read": "Read the account's activity and security logs",
    "accounting": "Work with invoices and accounting records",
    "automation": "Work with workflows",
    "business-intelligence": "Read analytics reports",
    "communication_preferences.read": "Read who is subscribed to which email",
    "communication_preferences.read_write": "Read and change who is subscribed to which email",
    "communication_preferences.write": "Change who is subscribed to which email",
    "content": "Work with web pages, blogs, emails and campaigns",
    "conversations.read": "Read conversations in the inbox",
    "conversations.write": "Write in conversations in the inbox",
    "crm.export": "Export CRM records",
    "crm.import": "Import CRM records",
    "crm.lists.read": "Read lists and who is on them",
    "crm.lists.write": "Create, change and delete lists",
    "e-commerce": "Work with products and line items",
    "files": "Work with files",
    "forms": "Work with forms and what they collect",
    "forms-uploaded-files": "Download files that forms collected",
    "hubdb": "Work with HubDB tables",
    "marketing-email": "Work with marketing emails",
    "sales-email-read": "Read the content of one-to-one emails",
    "settings.users.read": "Read who uses the account and what they may do",
    "settings.users.write": "Add and remove users, and change what they may do",
    "settings.users.teams.read": "Read the account's teams",
    "social": "Work with social media posts",
    "tickets": "Read, create, change and delete tickets",
    "timeline": "Add events to the timeline of records",
    "transactional-email": "Send transactional emails",
}


def in_words(scope: str) -> str | None:
    """Return what a scope allows, or None for one that is not among the common ones."""
    crm = _CRM.fullmatch(scope)
    if crm is None:
        return _WORDS.get(scope)
    family, records, verb = crm.groups()
    return _CRM_WORDS[family, verb].format("custom objects" if records == "custom" else records.replace("_", " "))
