#!/bin/sh
# Records the files of this folder again: each tool against the sample's `master` and `slow`, both at the same time.
#   record.sh MASTER SLOW OUT     checkouts of both branches after `npm install`; k6, vegeta, locust, jmeter on the PATH
set -eu
here=$(cd "$(dirname "$0")" && pwd) out=$3
mkdir -p "$out"
(cd "$1" && PORT=8101 exec node index.js) & one=$!
(cd "$2" && PORT=8102 exec node index.js) & two=$!
trap 'kill $one $two' EXIT
sleep 2
export RATE=20 DURATION="${DURATION:-60s}"

both() { # the command gets PORT and NAME
  PORT=8101 NAME=master "$@" & first=$!
  PORT=8102 NAME=slow "$@"
  wait $first
}
warm() {
  printf 'POST http://127.0.0.1:%s/preview\n' "$PORT" |
    vegeta attack -body "$here/request.json" -header 'Content-Type: application/json' -duration 10s -rate 20 >/dev/null
}
k6_csv() {
  TARGET="http://127.0.0.1:$PORT" k6 run -q --no-usage-report --address "127.0.0.1:$((PORT + 100))" \
    -e TARGET="http://127.0.0.1:$PORT" -e RATE="$RATE" -e DURATION="$DURATION" \
    --out csv="$out/k6-$NAME.csv" --out json="$out/k6-$NAME.json" --summary-export "$out/k6-summary-$NAME.json" \
    "$here/preview.js" >"$out/k6-$NAME.log" 2>&1
}
vegeta_bin() {
  printf 'POST http://127.0.0.1:%s/preview\n' "$PORT" |
    vegeta attack -body "$here/request.json" -header 'Content-Type: application/json' -max-body 0 \
      -duration "$DURATION" -rate "$RATE" -output "$out/vegeta-$NAME.bin"
  vegeta encode -to json "$out/vegeta-$NAME.bin" >"$out/vegeta-$NAME.json"
  vegeta encode -to csv "$out/vegeta-$NAME.bin" >"$out/vegeta-$NAME.csv"
  vegeta report -type json "$out/vegeta-$NAME.bin" >"$out/vegeta-report-$NAME.json"
}
cat >"$out/locustfile.py" <<'END' # two users that wait for each answer, and a log of requests, which locust has not
import csv, os
from locust import HttpUser, constant_throughput, events, task

BODY = open(os.environ["REQUEST"], "rb").read()
COLUMNS = ("start_time", "response_time", "request_type", "name", "response_length", "status_code", "exception")

class Visitor(HttpUser):
    wait_time = constant_throughput(10)

    @task
    def preview(self):
        self.client.post("/preview", data=BODY, headers={"Content-Type": "application/json"})

@events.init.add_listener
def log_requests(**_):
    rows = csv.writer(open(os.environ["REQUEST_LOG"], "w", newline="", buffering=1), lineterminator="\n")
    rows.writerow(COLUMNS)

    @events.request.add_listener
    def log(response=None, **one):
        one |= {"status_code": getattr(response, "status_code", 0) or 0, "exception": one.get("exception") or ""}
        rows.writerow([one.get(column, "") for column in COLUMNS])
END
locust_csv() {
  REQUEST_LOG="$out/locust-$NAME.csv" REQUEST="$here/request.json" locust -f "$out/locustfile.py" --headless --users 2 --spawn-rate 2 \
    --run-time "$DURATION" --host "http://127.0.0.1:$PORT" --csv "$out/locust-$NAME" --csv-full-history \
    --only-summary >"$out/locust-$NAME.log" 2>&1
}
own() {
  python -m loadgen "http://127.0.0.1:$PORT/preview" --rate "$RATE" --duration "$DURATION" --method POST \
    --body-file "$here/request.json" --header 'Content-Type: application/json' \
    --requests-out "$out/loadgen-$NAME.csv" --hist-out "$out/loadgen-$NAME.hlog" >"$out/loadgen-$NAME.log" 2>&1
}
jmeter_jtl() {
  for form in csv xml; do
    jmeter -n -t "$here/preview.jmx" -l "$out/jmeter-$form-$NAME.jtl" -j "$out/jmeter-$NAME.log" -Jport="$PORT" \
      -Jduration="${DURATION%s}" -Jbody="$here/request.json" -Jjmeter.save.saveservice.output_format=$form \
      >"$out/jmeter-$NAME.out" 2>&1
  done
}
both warm
for tool in ${TOOLS:-k6_csv vegeta_bin locust_csv own jmeter_jtl}; do both "$tool"; done
