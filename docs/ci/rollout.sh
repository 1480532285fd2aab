#!/bin/sh
# A release for all hosts of an inventory: one host first, a gate on what its users get, then the others, or that one
# back to what it served before.
#   docs/ci/rollout.sh INVENTORY checkbox.io|iTrust HOST REF [OPTION of pipeline deploy]...
# HOST, of the application's group, is the first. It wants these variables:
#   PROMETHEUS    the monitor's: http://MONITOR/prometheus
#   PIPELINE_PROMETHEUS_CREDENTIALS   "Basic pipeline:PASSWORD", the monitor's (secret monitor_password)
# and takes these:
#   GATE_CONFIG   the configuration (docs/ci/hosts.yml), in which ${CANARY_HOST} is HOST, ${APPLICATION} its group
#   GATE_FOR      how long is watched (30m); GATE_WARMUP, how long HOST serves before that (2m)
#   GATE_REPORTS  where page, JUnit's XML and the gate's run directory go (gate)
# Only a pass goes on; whatever else comes of the gate, HOST goes back. Broken off (a reboot, Ctrl-C), the same command
# goes on where it was: a deploy changes nothing a second time, and a gate goes on with its window.
set -eu
if [ $# -lt 4 ]; then
  echo "usage: $0 INVENTORY checkbox.io|iTrust HOST REF [OPTION of pipeline deploy]..." >&2
  exit 2
fi
inventory=$1 application=$2 host=$3 ref=$4
shift 4
case $application in
  checkbox.io) group=checkbox ;;
  *) group=itrust ;;
esac
: "${PROMETHEUS:?the address of the monitor: http://MONITOR/prometheus}"
reports=${GATE_REPORTS:-gate}
mkdir -p "$reports"

pipeline deploy "$application" -i "$inventory" --limit "$host" --ref "$ref" "$@"
sleep "${GATE_WARMUP:-2m}"

code=0
APPLICATION=$group CANARY_HOST=$host pipeline gate \
  --config "${GATE_CONFIG:-docs/ci/hosts.yml}" --prometheus "$PROMETHEUS" --for "${GATE_FOR:-30m}" --runs "$reports/runs" \
  --junit "$reports/junit.xml" --html "$reports/report.html" || code=$?

if [ "$code" -ne 0 ]; then
  echo "$host goes back: the gate ended with $code" >&2
  pipeline deploy "$application" -i "$inventory" --limit "$host" --rollback
  exit "$code"
fi
exec pipeline deploy "$application" -i "$inventory" --ref "$ref" "$@"
