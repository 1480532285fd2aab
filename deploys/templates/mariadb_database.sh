# A database and its user. Given: database user hash patience mode ("check" says "same" where nothing is to do)
# Host 127.0.0.1 only: with skip-name-resolve that means TCP on loopback; nobody logs in as this user over the socket.
account="'$user'@'127.0.0.1'"
sql() { mariadb --no-defaults --batch --skip-column-names; }

as_wanted() {
  found=$(sql 2>/dev/null <<SQL
SELECT 'database' FROM information_schema.schemata WHERE schema_name = '$database';
SELECT CONCAT(User, ' ', Host, ' ', plugin, ' ', authentication_string = '$hash')
  FROM mysql.user WHERE User = '$user';
SHOW GRANTS FOR $account;
SQL
  ) || return 1
  expected="database
$user 127.0.0.1 mysql_native_password 1
GRANT USAGE ON *.* TO \`$user\`@\`127.0.0.1\` IDENTIFIED BY PASSWORD '$hash'
GRANT ALL PRIVILEGES ON \`$database\`.* TO \`$user\`@\`127.0.0.1\`"
  [ "$found" = "$expected" ]
}

main() {
  if [ "$mode" = check ]; then
    as_wanted && echo same
    return 0
  fi
  trap '' HUP PIPE
  began=$(date +%s)
  until echo 'SELECT 1;' | sql >/dev/null 2>&1; do
    [ $(($(date +%s) - began)) -lt "$patience" ] ||
      { echo "MariaDB does not let root in over its socket: $(echo 'SELECT 1;' | sql 2>&1 | tail -n 1)" >&2; exit 1; }
    sleep 0.5
  done
  said=$(sql 2>&1 <<SQL
CREATE DATABASE IF NOT EXISTS \`$database\` CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS $account IDENTIFIED BY PASSWORD '$hash';
ALTER USER $account IDENTIFIED BY PASSWORD '$hash' ACCOUNT UNLOCK;
GRANT ALL PRIVILEGES ON \`$database\`.* TO $account;
SQL
  ) || { echo "MariaDB: $said" | tail -n 1 >&2; exit 1; }
  as_wanted && exit 0
  # The user has more than that (other hosts, other rights): it is dropped and made anew.
  others=$(echo "SELECT CONCAT('DROP USER ', QUOTE(User), '@', QUOTE(Host), ';') FROM mysql.user WHERE User = '$user';" | sql)
  said=$(sql 2>&1 <<SQL
$others
CREATE USER $account IDENTIFIED BY PASSWORD '$hash';
GRANT ALL PRIVILEGES ON \`$database\`.* TO $account;
SQL
  ) || { echo "MariaDB: $said" | tail -n 1 >&2; exit 1; }
  as_wanted || { echo "MariaDB: $account is not as it was made" >&2; exit 1; }
}
