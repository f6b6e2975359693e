-- Which migrations this database has had; billingd writes it (tandemctl db migrate).
create table schema_migration (
	version integer primary key check (version > 0),
	name text not null,
	checksum text not null,
	applied_at timestamptz not null default now()
);
