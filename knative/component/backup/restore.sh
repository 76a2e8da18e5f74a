#!/bin/sh
# Puts a dump in place of the schemas of the functions, whole or not at all. First make the roles: the Job database-roles.
set -eu

usage='restore.sh <dump>: ADMIN_URL is a user that may do all in the database; RESTORE_OVER=yes where it has data.'
dump=${1:?$usage}
: "${ADMIN_URL:?$usage}"

fail() {
  echo "$1" >&2
  exit 2
}

[ -f "$dump" ] || fail "There is no $dump."
(cd "$(dirname "$dump")" && sha256sum --check --quiet "$(basename "$dump").sha256") ||
  fail "$dump is not what was backed up: its checksum differs, or $dump.sha256 is missing. Take another one."

ask() {
  psql "$ADMIN_URL" --no-psqlrc --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1"
}

schemas="'audit', 'notification', 'recurring'"
roles=$(ask "SELECT count(*) FROM pg_roles WHERE rolname IN ($schemas)")
[ "$roles" -eq 3 ] || fail "The roles are not there yet: run the Job database-roles first."
tables=$(ask "SELECT count(*) FROM pg_tables WHERE schemaname IN ($schemas)")
if [ "$tables" -gt 0 ] && [ "${RESTORE_OVER:-no}" != yes ]; then
  fail "There are $tables tables already. RESTORE_OVER=yes puts the dump in their place; what is newer than it is then gone."
fi

# A dump that cannot be read ends before its COMMIT, and the transaction with it.
{
  echo 'BEGIN; SET LOCAL client_min_messages = warning;'
  echo 'DROP SCHEMA IF EXISTS audit, notification, recurring CASCADE;'
  pg_restore --file=- "$dump" && printf '%s\n' 'COMMIT;' '\echo restored'
} | psql "$ADMIN_URL" --no-psqlrc --quiet --set ON_ERROR_STOP=1 | grep --quiet '^restored$' ||
  fail "$dump was not restored, and nothing was changed. What is wrong stands above."
echo "$dump is restored. Now let verify fill what came after it: kubectl create job --from=cronjob/verify verify-restored"
