# Makes a release's `webapp` from its sources or its WAR, as the user itrust. Given: tree opens skips seconds
# maven (a Python text that runs Maven, tells what it does, and why it failed)
build() {
  for project in iTrust2 .; do
    [ ! -f "$project/pom.xml" ] || break
  done
  [ -f "$project/pom.xml" ] || { echo "this is not iTrust2: it has no iTrust2/pom.xml" >&2; return 1; }
  (cd "$project" && MAVEN_OPTS="$opens" python3 -c "$maven" "$tree/maven.log" "$seconds" mvn -B $skips package) ||
    return 1
  mv "$project/target/iTrust2.war" . || { echo "mvn package made no target/iTrust2.war" >&2; return 1; }
}

main() {
  set -u
  export HOME=/srv/itrust/home PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
  umask 027
  cd "$tree" || exit 1
  [ -f iTrust2.war ] || build || exit 1
  # iTrust2 is written for javax.servlet; Debian's Tomcat has jakarta.servlet.
  echo "progress: rewriting the WAR for Debian's Tomcat"
  javax2jakarta iTrust2.war jakarta.war >migration.log 2>&1 </dev/null || {
    echo "javax2jakarta: $(grep -m 1 -E 'Exception|Error' migration.log || tail -n 1 migration.log)" >&2
    exit 1
  }
  rm -rf webapp && python3 -m zipfile -e jakarta.war webapp && [ -d webapp/WEB-INF ] &&
    rm -f webapp/WEB-INF/classes/db.properties webapp/WEB-INF/classes/email.properties &&
    find . -mindepth 1 -maxdepth 1 ! -name webapp -exec rm -rf {} +
}
