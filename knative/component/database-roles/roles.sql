-- The roles of one schema: its owner migrates it, the runtime role uses it; neither sees the others. Can be repeated.
\getenv password PASSWORD
\getenv owner_password OWNER_PASSWORD
SELECT format('CREATE ROLE %I', name)
  FROM unnest(ARRAY[:'schema', :'owner']) AS wanted (name)
  WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE :"schema" LOGIN PASSWORD :'password';
ALTER ROLE :"owner" LOGIN PASSWORD :'owner_password';
GRANT CONNECT ON DATABASE :"DBNAME" TO :"schema", :"owner";
-- A superuser needs no membership to make something for another; the owner of a database does.
GRANT :"owner" TO CURRENT_USER;
CREATE SCHEMA IF NOT EXISTS :"schema" AUTHORIZATION :"owner";
GRANT USAGE ON SCHEMA :"schema" TO :"schema";
ALTER ROLE :"schema" IN DATABASE :"DBNAME" SET search_path = :"schema";
ALTER ROLE :"owner" IN DATABASE :"DBNAME" SET search_path = :"schema";
