#!/bin/sh
# A gate in a deploy job, for any server that runs a shell: copy it, and change what is done about the verdict.
# It wants `pipeline` on PATH (docs/ci.md) and these variables:
#   PROMETHEUS         the server that scrapes both versions
#   BASELINE_VERSION   what is live, as the label of arms: baseline: in the configuration has it
#   CANARY_VERSION     what shall replace it
# and takes these:
#   GATE_CONFIG        the configuration (canary.yml)
#   GATE_FOR           how long is watched (30m)
#   GATE_REPORTS       where the files for people and for the CI server go (gate)
#   PIPELINE_PROMETHEUS_CREDENTIALS   Bearer TOKEN or Basic USER:PASSWORD
# Its exit code is the gate's: 0 passed, 10 failed, 11 inconclusive, 12 invalid, 2 and 3 errors.
set -eu
: "${PROMETHEUS:?}" "${BASELINE_VERSION:?}" "${CANARY_VERSION:?}"
reports=${GATE_REPORTS:-gate}
mkdir -p "$reports"

code=0
pipeline gate --config "${GATE_CONFIG:-canary.yml}" --prometheus "$PROMETHEUS" \
  --set "baseline.version=$BASELINE_VERSION" --set "canary.version=$CANARY_VERSION" \
  --for "${GATE_FOR:-30m}" --runs "$reports/runs" \
  --junit "$reports/junit.xml" --summary "$reports/summary.md" --json-file "$reports/verdict.json" || code=$?

case $code in
  0) echo "go on: roll $CANARY_VERSION out" ;;
  10) echo "take the canary back: $CANARY_VERSION is worse than $BASELINE_VERSION" ;;
  11) echo "nothing was shown either way: watch for longer, or let somebody look" ;;
  *) echo "there is no verdict: see above" ;;
esac
exit "$code"
