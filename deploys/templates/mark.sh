# The mark of a deploy, for the monitor: when the release that is served was activated. Given: app; back (yes: by a
# rollback), where that is known
marks=/var/lib/prometheus/node-exporter

marked() { [ ! -d "$marks" ] || grep -qsF "release=\"$1\"" "$marks/pipeline_$app.prom"; }

# mark RELEASE SECONDS: a host that is not monitored has no such directory, and gets no mark.
mark() {
  [ -d "$marks" ] || return 0
  action=deploy
  [ "${back:-no}" = no ] || action=rollback
  {
    echo "# HELP pipeline_deploy_timestamp_seconds When the release that is served was activated."
    echo "# TYPE pipeline_deploy_timestamp_seconds gauge"
    echo "pipeline_deploy_timestamp_seconds{app=\"$app\",release=\"$1\",action=\"$action\"} $2"
  } >"$marks/.pipeline_$app.new" && chmod 644 "$marks/.pipeline_$app.new" &&
    mv -T "$marks/.pipeline_$app.new" "$marks/pipeline_$app.prom"
}
