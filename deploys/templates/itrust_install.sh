# Makes a release's `webapp` from its sources or its WAR, as the user itrust. Given: tree opens skips
build() {
  for project in iTrust2 .; do
    [ ! -f "$project/pom.xml" ] || break
  done
  [ -f "$project/pom.xml" ] || { echo "this is not iTrust2: it has no iTrust2/pom.xml" >&2; return 1; }
  # The last line is the reason: Maven's own last ones only name web pages.
  (cd "$project" && MAVEN_OPTS="$opens" mvn -B $skips package) >maven.log 2>&1 || {
    reason=$(grep -m 1 '^\[ERROR\] *[^ ]' maven.log || tail -n 1 maven.log)
    echo "mvn package: $(printf %s "$reason" | cut -c 1-300)" >&2
    return 1
  }
  mv "$project/target/iTrust2.war" . || { echo "mvn package made no target/iTrust2.war" >&2; return 1; }
}

main() {
  set -u
  export HOME=/srv/itrust/home PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
  umask 027
  cd "$tree" || exit 1
  [ -f iTrust2.war ] || build || exit 1
  # iTrust2 is written for javax.servlet; Debian's Tomcat has jakarta.servlet.
  javax2jakarta iTrust2.war jakarta.war >migration.log 2>&1 </dev/null || {
    echo "javax2jakarta: $(grep -m 1 -E 'Exception|Error' migration.log || tail -n 1 migration.log)" >&2
    exit 1
  }
  rm -rf webapp && python3 -m zipfile -e jakarta.war webapp && [ -d webapp/WEB-INF ] &&
    rm -f webapp/WEB-INF/classes/db.properties webapp/WEB-INF/classes/email.properties &&
    find . -mindepth 1 -maxdepth 1 ! -name webapp -exec rm -rf {} +
}
