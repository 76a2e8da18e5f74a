#!/bin/sh
# Dumps the schemas of the functions from one snapshot, reads the dump back, and only then gives it its name.
set -eu

: "${DATABASE_URL:?the URL of a role that may read all schemas}"
: "${BACKUP_DIR:?where the dumps are kept}"
keep=${KEEP:-14}

name=task-events-$(date -u +%Y%m%dT%H%M%SZ).dump
part=$BACKUP_DIR/.$name.part
# What a killed run left is no backup.
rm -f "$BACKUP_DIR"/.task-events-*.part
trap 'rm -f "$part"' EXIT

# A schema that is missing ends the run: half a backup would pass for one.
pg_dump --format=custom --strict-names --schema=audit --schema=notification --schema=recurring \
  --file="$part" "$DATABASE_URL"
# Reads and decompresses every block: a dump cut short, or with a bad block, ends the run here.
pg_restore --file=/dev/null "$part"
[ "$(pg_restore --list "$part" | grep -c ' TABLE DATA ')" -gt 0 ] || {
  echo "The dump has no tables: is the database migrated?" >&2
  exit 1
}
(cd "$BACKUP_DIR" && mv ".$name.part" "$name" && sha256sum "$name" >"$name.sha256")
sync

ls -1 "$BACKUP_DIR"/task-events-*.dump | sort -r | tail -n "+$((keep + 1))" | while read -r old; do
  rm -f "$old" "$old.sha256"
done
echo "$BACKUP_DIR/$name: $(wc -c <"$BACKUP_DIR/$name") bytes"
