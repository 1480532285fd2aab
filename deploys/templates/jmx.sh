# The JVM's agent and its configuration. Given: directory agent sha256 file content artifact (group, name and version)
# seconds mode ("check" says "same" where nothing is to do)
whole() { echo "$sha256 $1" | sha256sum --check --status 2>/dev/null; }

# What Ivy says of a failure: of its report the first line that names a cause.
why() {
  cause=$(printf '%s\n' "$said" | grep -iE -m 1 'not found|exception|refused|timed out|denied|unreachable' | xargs -0)
  printf %s "${cause:-it is not done after $seconds s}" | tr -s '[:space:]' ' ' | cut -c 1-300
}

there() { whole "$agent" && printf %s "$content" | cmp -s - "$file"; }

main() {
  if [ "$mode" = check ]; then
    there && echo same
    return 0
  fi
  trap '' HUP PIPE
  exec 9>/run/lock/pipeline-jmx && flock -w "$seconds" 9 || { echo "another deploy fetches the agent" >&2; exit 1; }
  install -d -m 755 "$directory" && printf %s "$content" | install -m 644 /dev/stdin "$file" || exit 1
  whole "$agent" && exit 0
  # As the application's user, in a unit of its own, like a build.
  fetched=/srv/itrust/home/jmx
  install -d -m 755 -o itrust -g itrust /srv/itrust/home && rm -rf "$fetched" || exit 1
  # shellcheck disable=SC2086 # the artifact is three words
  said=$(systemd-run --quiet --collect --pipe --wait --unit=itrust-jmx --service-type=exec --uid=itrust --gid=itrust \
    -p RuntimeMaxSec="$seconds" -p NoNewPrivileges=yes \
    java -Xmx64m -jar /usr/share/java/ivy.jar -warn -cache "$fetched" -dependency $artifact -confs default -types jar \
    -retrieve "$fetched/[artifact].[ext]" 2>&1) ||
    { echo "Ivy cannot fetch $artifact: $(why)" >&2; exit 1; }
  found=$(ls "$fetched"/*.jar)
  whole "$found" || { echo "$artifact came damaged, or is another one" >&2; exit 1; }
  install -m 644 "$found" "$agent.new" && mv -T "$agent.new" "$agent"
  rm -rf "$fetched"
}
