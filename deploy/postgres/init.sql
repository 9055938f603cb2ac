-- Once, by psql, on an empty server. The role of ours owns two databases and is no administrator; the administrator loses
-- its password, so it comes in only over the socket inside the container. Conversations have a database of their own:
-- they go after a day, and no backup takes them along.
\set ON_ERROR_STOP on
\getenv password VEJVISER_POSTGRES_PASSWORD
CREATE ROLE vejviser LOGIN PASSWORD :'password';
CREATE DATABASE vejviser OWNER vejviser;
CREATE DATABASE conversations OWNER vejviser;
REVOKE CONNECT ON DATABASE vejviser, conversations, postgres FROM PUBLIC;
ALTER ROLE postgres PASSWORD NULL;
