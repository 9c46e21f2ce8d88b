#!/bin/sh
# Works from any language: start the simulator, call it, move its clock past the expiry, call it again, refresh.
set -eu

log=$(mktemp)
hubspot-simulator serve --clock standing >"$log" &
simulator=$!
trap 'kill "$simulator"; wait "$simulator" || true; rm -f "$log"' EXIT
until grep -q '^Refresh:' "$log"; do
    kill -0 "$simulator"
    sleep 0.1
done

field() { sed -n "s/^  $1 *//p" "$log" | head -n 1; }
url=$(sed -n 's/^HubSpot simulator at \([^ ]*\).*/\1/p' "$log")
token=$(field "access token")

contacts() { curl -s -w ' (%{http_code})\n' -H "Authorization: Bearer $token" "$url/crm/v3/objects/contacts"; }

echo "At minute 0:"
contacts
curl -s -d '{"minutes": 35}' "$url/_simulator/clock/advance" >/dev/null
echo "At minute 35:"
contacts
token=$(curl -s "$url/oauth/v1/token" -d grant_type=refresh_token -d "refresh_token=$(field 'refresh token')" \
    -d "client_id=$(field 'client id')" -d "client_secret=$(field 'client secret')" |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
echo "After the refresh:"
contacts
