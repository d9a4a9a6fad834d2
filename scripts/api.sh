#!/usr/bin/env bash
# The REST API under generated requests: the built program with its embedded database on a free port, every operation of
# docs/openapi.json with what fits it and what does not: as the owner of the house, and as a client who is signed in. No answer may be
# 5xx, or of another status or form than described.
# usage: scripts/api.sh   (behind a build; SIAGA_BIN names another program)
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
bin=${SIAGA_BIN:-$target/debug/siaga}
tool=$target/schemathesis
# Requests to one operation in a round of the part that draws them; the part that covers each constraint has its own few.
examples=15
# Seconds of the owner's part and of the client's: rounds are drawn until they are spent.
seconds_owner=110
seconds_client=40

say() { printf '==> %s\n' "$*" >&2; }

if ! cmp -s scripts/schemathesis.txt "$tool/pins.txt"; then
  rm -rf "$tool"
  if python3 -m venv "$tool" >&2 && "$tool/bin/pip" install --quiet --disable-pip-version-check -r scripts/schemathesis.txt >&2; then
    cp scripts/schemathesis.txt "$tool/pins.txt"
  else
    rm -rf "$tool"
    say "Schemathesis could not be installed"
    if [ "${CI:-}" = true ]; then exit 1; fi
    echo "generated requests to the API: Schemathesis could not be installed" >>"${SIAGA_SKIPS:-/dev/null}"
    exit 0
  fi
fi

work=$(mktemp -d)
# Limits of an address are for strangers; here one address asks everything. The secret acts as the owner of the house.
SIAGA__IDENTITY__PER_ADDRESS=1000000 SIAGA__IDENTITY__PER_ADDRESS_SIGN_IN=1000000 SIAGA__IDENTITY__PER_ADDRESS_UPLOAD=1000000 SIAGA__IDENTITY__PER_PERSON=1000000 \
  SIAGA__DATA__SEGMENT_MIB=4 "$bin" serve --data "$work/data" --listen 127.0.0.1:0 --json >"$work/first" 2>"$work/log" &
program=$!
end() {
  kill "$program" 2>/dev/null || true
  wait "$program" 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

# Where it listens, once its store is open.
address=$("$tool/bin/python" - "$work/first" <<'PYTHON'
import json, sys, time, urllib.error, urllib.request

def open_at(path):
    line = open(path).readline()
    if not line.endswith("\n"):
        return None
    address = json.loads(line)["listening"]
    try:
        urllib.request.urlopen(f"http://{address}/api/v1/auth/jwks.json", timeout=5).close()
    except (OSError, urllib.error.URLError):
        return None
    return address

until = time.monotonic() + 120
while (address := open_at(sys.argv[1])) is None:
    if time.monotonic() > until:
        sys.exit("the program's store does not open")
    time.sleep(0.1)
print(address)
PYTHON
) || { tail -20 "$work/log" >&2; exit 1; }

# Seconds, a token, and what else is left out. /readyz always is: 503 is its word for a desk that is not ready.
draw() {
  "$tool/bin/st" run docs/openapi.json --url "http://$address" --header "Authorization: Bearer $2" --header "X-Client: api" \
    --checks not_a_server_error,status_code_conformance,response_schema_conformance,content_type_conformance \
    --exclude-path /readyz "${@:3}" --phases coverage,fuzzing --max-examples "$examples" --max-time "$1" --generation-deterministic \
    --request-timeout 30 --suppress-health-check all --warnings off --continue-on-failure --no-color >&2
}

status=0
say "as the owner of the house"
draw "$seconds_owner" "$(cat "$work/data/secret")" || status=$?

# A client with a session, who may ask as often as a bridge does.
token=$("$tool/bin/python" - "$address" "$work/data/secret" <<'PYTHON'
import json, sys, urllib.request

address, secret = sys.argv[1], open(sys.argv[2]).read().strip()

def post(path, body, **headers):
    headers = {"Content-Type": "application/json", "X-Client": "api", **headers}
    request = urllib.request.Request(f"http://{address}/api/v1/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)

person = {"email": "sari.dewi@contoh.id", "password": "Kuda-Biru-Lari-77", "name": "Sari Dewi", "phone": "+628123456789"}
registered = post("auth/register", person)
user = registered["user"]
tier = {"tier": "bridge", "revision": user["revision"]}
post(f"users/{user['id']}/tier", tier, Authorization=f"Bearer {secret}")
print(registered["jwt_token"])
PYTHON
) || { tail -20 "$work/log" >&2; exit 1; }

# Whoever signs out is a stranger to the rest; /metrics is the desk's and describes no refusal.
say "as a client"
draw "$seconds_client" "$token" --exclude-path /metrics --exclude-path /api/v1/auth/logout || status=$?
if [ "$status" -ne 0 ]; then grep -E 'ERROR|panicked|incident' "$work/log" | tail -20 >&2 || true; fi
exit "$status"
