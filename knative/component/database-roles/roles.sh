#!/bin/sh
# Makes the roles and the schemas of the three functions, and the roles that back them up and watch them, in the database of ADMIN_URL.
set -eu

: "${ADMIN_URL:?the URL of a user that may make roles, in the database of the functions}"
here=$(dirname "$0")

# A password lies in the Secret database-roles under the name of its role.
password() {
  cat "${PASSWORD_DIR:?the folder with a file for each role, which has its password}/$1"
}

run() {
  psql "$ADMIN_URL" --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$@"
}

for schema in audit notification recurring; do
  PASSWORD=$(password "$schema") OWNER_PASSWORD=$(password "${schema}_owner")
  export PASSWORD OWNER_PASSWORD
  run --set schema="$schema" --set owner="${schema}_owner" --file "$here/roles.sql"
done

PASSWORD=$(password backup) run <<'SQL'
\getenv password PASSWORD
SELECT 'CREATE ROLE backup' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'backup') \gexec
ALTER ROLE backup LOGIN PASSWORD :'password';
GRANT pg_read_all_data TO backup;
GRANT CONNECT ON DATABASE :"DBNAME" TO backup;
REVOKE CONNECT, TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
SQL

# The exporter's. What it may read, the view `backlog` of each schema, the migrations grant.
if [ -e "$PASSWORD_DIR/monitor" ]; then
  PASSWORD=$(password monitor) run <<'SQL'
\getenv password PASSWORD
SELECT 'CREATE ROLE monitor' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') \gexec
ALTER ROLE monitor LOGIN CONNECTION LIMIT 5 PASSWORD :'password';
GRANT CONNECT ON DATABASE :"DBNAME" TO monitor;
SQL
fi
echo "The roles and schemas of audit, notification and recurring are there."
