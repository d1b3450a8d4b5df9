-- Roles and database of one service, as docs/operators.md asks of any PostgreSQL: the owner migrates, the application
-- role serves, owns nothing, and is bound by row-level security.
CREATE ROLE qingdan_app NOLOGIN;
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE',
              :'service' || '_owner', :'owner_password') \gexec
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE IN ROLE qingdan_app',
              :'service' || '_app', :'app_password') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'service', :'service' || '_owner') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'service') \gexec
SELECT format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', :'service', :'service' || '_app') \gexec
\connect :service
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
