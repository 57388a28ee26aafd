-- Two roles for Weekly Verdict: one owns the tables and migrates (MIGRATE_DATABASE_URL), the other one works
-- (DATABASE_URL) and changes no table. Run it with psql as a superuser, in the database of the program:
--
--   POSTGRES_OWNER_PASSWORD=... POSTGRES_WORKER_PASSWORD=... psql --dbname=verdict --file=deploy/postgres/roles.sql
--
-- --set=owner=NAME and --set=worker=NAME give them other names; before version 15, which reads no environment, psql
-- takes the passwords as --set=owner_password=... and --set=worker_password=... too. A database that one role owned until now is handed
-- over with all that is in it. Run again, it sets the passwords anew and changes nothing else. Afterwards: `migrate`.
\set ON_ERROR_STOP on
\set QUIET on
\if :{?owner}
\else
  \set owner verdict_owner
\endif
\if :{?worker}
\else
  \set worker verdict_worker
\endif
\if :{?owner_password}
\else
  \getenv owner_password POSTGRES_OWNER_PASSWORD
\endif
\if :{?worker_password}
\else
  \getenv worker_password POSTGRES_WORKER_PASSWORD
\endif
-- Passwords stay out of the server's log.
set log_statement = 'none';
set log_min_duration_statement = -1;

begin;

select format('create role %I login', name) from (values (:'owner'), (:'worker')) as roles (name)
where not exists (select from pg_roles where rolname = name)
\gexec
alter role :"owner" login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'owner_password';
alter role :"worker" login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'worker_password';

-- The database and its schemas belong to the owner, and nobody else may come in.
alter database :"DBNAME" owner to :"owner";
revoke all on database :"DBNAME" from public;
grant connect on database :"DBNAME" to :"worker";
select format('alter schema %I owner to %I', nspname, :'owner') from pg_namespace where nspname in ('public', 'bullmq')
\gexec
revoke create on schema public from public;

-- What another role made so far. A sequence of a column goes with its table.
select format('alter table %I.%I owner to %I', schemaname, tablename, :'owner')
from pg_tables where schemaname in ('public', 'bullmq') and tableowner <> :'owner'
\gexec
select format('alter sequence %s owner to %I', oid::regclass, :'owner') from pg_class c
where relkind = 'S' and relnamespace::regnamespace::text in ('public', 'bullmq')
  and pg_get_userbyid(relowner) <> :'owner'
  and not exists (select from pg_depend where objid = c.oid and deptype in ('a', 'i') and refobjsubid > 0)
\gexec
select format('alter type %s owner to %I', oid::regtype, :'owner') from pg_type
where typtype = 'e' and typnamespace::regnamespace::text in ('public', 'bullmq')
  and pg_get_userbyid(typowner) <> :'owner'
\gexec
select format('alter routine %s owner to %I', oid::regprocedure, :'owner') from pg_proc
where pronamespace::regnamespace::text in ('public', 'bullmq') and pg_get_userbyid(proowner) <> :'owner'
\gexec

commit;
