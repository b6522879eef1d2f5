# shellcheck shell=bash
# A PostgreSQL for the length of a test run: its own directory, a socket and no port, no fsync.

# initdb_of_postgres prints the folder of the newest PostgreSQL's programs.
initdb_of_postgres() {
  local d
  d=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)
  [ -n "$d" ] || d=$(command -v initdb) || return 1
  dirname "$(readlink -f "$d")"
}

# as_postgres runs a command as the user postgres when we are root, which PostgreSQL refuses to run as.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    runuser -u postgres -- "$@"
  else
    "$@"
  fi
}

# postgres_start sets TAXOPS_TEST_DATABASE_URL, unless it is set, to a server that postgres_stop ends.
# The collation is a language's, not bytes: a query that relies on byte order without saying so fails.
postgres_start() {
  [ -z "${TAXOPS_TEST_DATABASE_URL:-}" ] || return 0
  local bin icu=()
  bin=$(initdb_of_postgres) || { say "PostgreSQL is not there: run make deps"; return 1; }
  # Version 14 and older know no language for a whole cluster.
  [ "$("$bin/initdb" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')" -lt 15 ] ||
    icu=(--locale-provider=icu --icu-locale=zh-Hans-CN)
  postgres_dir=$(mktemp -d "${TMPDIR:-/tmp}/taxops-pg.XXXXXX")
  [ "$(id -u)" -ne 0 ] || chown postgres "$postgres_dir"
  chmod 711 "$postgres_dir" # plug-ins that are tested against it run as a user of their own
  postgres_bin=$bin
  (
    cd "$postgres_dir"
    as_postgres "$bin/initdb" -D "$postgres_dir/data" -U taxops --auth=trust -E UTF8 --no-sync \
      --locale=C.UTF-8 "${icu[@]}" >"$postgres_dir/initdb.log" 2>&1 ||
      { cat "$postgres_dir/initdb.log" >&2; exit 1; }
    as_postgres "$bin/pg_ctl" -D "$postgres_dir/data" -l "$postgres_dir/data/server.log" -w -t 60 \
      -o "-k '$postgres_dir' -c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=400" \
      start >/dev/null || { cat "$postgres_dir/data/server.log" >&2; exit 1; }
  ) || return 1
  export TAXOPS_TEST_DATABASE_URL="postgres://taxops@/postgres?host=$postgres_dir"
}

postgres_stop() {
  [ -n "${postgres_dir:-}" ] || return 0
  (cd "$postgres_dir" && as_postgres "$postgres_bin/pg_ctl" -D "$postgres_dir/data" -m immediate stop >/dev/null 2>&1) || true
  rm -rf "$postgres_dir"
}
