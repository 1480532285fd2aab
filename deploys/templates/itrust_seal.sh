# Closes a release and puts the environment's secrets into it. Given: classes tree db email mode ("check" says
# "same" where nothing is to do). What runs as itrust may read its code, not change it; others do not even read it.
closed() {
  # The directory above, too: who owns that can put another webapp in its place.
  [ "$(stat -c %U "$tree/..")" = root ] && [ -z "$(find "$tree" \( ! -user root -o ! -group itrust -o -perm /o+rwx -o -perm /g+w \) ! -type l -print -quit 2>&1)" ]
}

holds() { printf %s "$2" | cmp -s - "$1"; }

put() { printf %s "$2" | install -m 640 -g itrust /dev/stdin "$1.new" && mv -T "$1.new" "$1"; }

main() {
  if [ "$mode" = check ]; then
    closed && holds "$classes/db.properties" "$db" && holds "$classes/email.properties" "$email" && echo same
    return 0
  fi
  chown root:itrust "$tree/.." && chown -R -h root:itrust "$tree" && chmod -R u=rwX,g=rX,o= "$tree" && install -d -m 750 -g itrust "$classes" &&
    put "$classes/db.properties" "$db" && put "$classes/email.properties" "$email"
}
