# MariaDB's user for the exporter: it logs in as the Unix user `user`, over the socket, and may only read the server's
# status. Given: user, mode ("check" says "same" where nothing is to do)
account="'$user'@'localhost'"
wanted="GRANT USAGE ON *.* TO \`$user\`@\`localhost\` IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 3"
sql() { mariadb --no-defaults --batch --skip-column-names; }

as_wanted() { [ "$(echo "SHOW GRANTS FOR $account;" | sql 2>/dev/null)" = "$wanted" ]; }

main() {
  if [ "$mode" = check ]; then
    as_wanted && echo same
    return 0
  fi
  said=$(sql 2>&1 <<SQL
DROP USER IF EXISTS $account;
CREATE USER $account IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 3;
SQL
  ) && as_wanted && return 0
  echo "MariaDB's user for the exporter: ${said:-is not as it was made: $(echo "SHOW GRANTS FOR $account;" | sql 2>&1)}" | tail -n 1 >&2
  return 1
}
