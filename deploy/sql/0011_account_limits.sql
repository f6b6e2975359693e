-- What an account may use at once, and a day.

alter table account
	add daily_cap bigint -- NULL: unlimited
		constraint account_daily_cap_range check (daily_cap between 0 and 1000000000000000000),
	add line_limit integer not null default 0
		constraint account_line_limit_range check (line_limit between 0 and 1000000);
