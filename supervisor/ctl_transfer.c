/**
 * @file supervisor/ctl_transfer.c  Records from and to files
 *
 * A file goes over in pieces of whole lines, so that neither side holds all
 * of it; a list comes back page by page.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/ctl_print.h"
#include "supervisor/ctl_transfer.h"

enum {
	PIECE = 400 << 10, /**< Of a request of at most 1 MiB, escaped */
	PAGE = 2000,
	COLUMNS_MAX = 128,
};


bool ctl_is_transfer(int argc, char *const argv[])
{
	return argc >= 2 && (strcmp(argv[1], "import") == 0 ||
			     strcmp(argv[1], "export") == 0);
}


/* --- export --------------------------------------------------------------- */

/* Made by the database, or not to be had */
static bool is_left_out(const char *key)
{
	return strcmp(key, "id") == 0 || strcmp(key, "ha1") == 0 ||
	       strcmp(key, "sealed") == 0;
}


static void print_csv(FILE *f, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, f);
		return;
	}
	fputc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', f);
		fputc(*text, f);
	}
	fputc('"', f);
}


static void print_dump(FILE *f, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
					       JSON_REAL_PRECISION(9));

	if (text)
		print_csv(f, text);
	free(text);
}


static void print_value(FILE *f, const json_t *value)
{
	char number[32];

	switch ((int)json_typeof(value)) {

	case JSON_STRING:
		print_csv(f, json_string_value(value));
		break;

	case JSON_TRUE:
		fputs("On", f);
		break;

	case JSON_FALSE:
		fputs("Off", f);
		break;

	case JSON_INTEGER:
		(void)text_print(number, sizeof(number),
				 "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
		fputs(number, f);
		break;

	case JSON_REAL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		print_dump(f, value);
		break;

	default:
		fputs("none", f);
		break;
	}
}


static void print_names(FILE *f, json_t *row)
{
	const char *key, *gap = "";
	json_t *value;

	json_object_foreach(row, key, value)
	{
		if (is_left_out(key))
			continue;
		fputs(gap, f);
		print_csv(f, key);
		gap = ",";
	}
	fputc('\n', f);
}


static void print_row(FILE *f, json_t *row)
{
	const char *key, *gap = "";
	json_t *value;

	json_object_foreach(row, key, value)
	{
		if (is_left_out(key))
			continue;
		fputs(gap, f);
		print_value(f, value);
		gap = ",";
	}
	fputc('\n', f);
}


static void print_json(FILE *f, json_t *row, bool is_first)
{
	(void)json_object_del(row, "id");
	(void)json_object_del(row, "ha1");
	(void)json_object_del(row, "sealed");
	fputs(is_first ? "[\n" : ",\n", f);
	(void)json_dumpf(row, f, JSON_COMPACT);
}


static enum ctl_exit export_all(const struct ctl_wire *wire, const char *kind,
				json_t *args, bool as_json)
{
	enum ctl_exit code = EXIT_DONE;
	bool is_first = true, more = true;
	char cmd[96];

	/* A registration's list says who is registered. */
	(void)text_print(cmd, sizeof(cmd), "%.60s.%s", kind,
			 strcmp(kind, "registration") == 0 ? "records"
							   : "list");
	(void)json_object_set_new(args, "limit", json_integer(PAGE));
	while (more) {
		json_t *request = json_pack("{s:s,s:O}", "cmd", cmd, "args",
					    args);
		json_t *answer = NULL, *row;
		size_t i;

		code = ctl_call(&answer, wire, request);
		json_decref(request);
		if (code != EXIT_DONE)
			return code;

		json_array_foreach(json_object_get(answer, "rows"), i, row)
		{
			if (as_json)
				print_json(stdout, row, is_first);
			else if (is_first)
				print_names(stdout, row);
			if (!as_json)
				print_row(stdout, row);
			is_first = false;
		}
		more = json_is_string(json_object_get(answer, "next"));
		if (more)
			(void)json_object_set(args, "cursor",
					      json_object_get(answer, "next"));
		json_decref(answer);
	}
	if (as_json)
		fputs(is_first ? "[]\n" : "\n]\n", stdout);

	return ferror(stdout) ? EXIT_REFUSED : EXIT_DONE;
}


/* --- import --------------------------------------------------------------- */

static enum ctl_exit call(json_t **answerp, const struct ctl_wire *wire,
			  const char *cmd, json_t *args)
{
	json_t *request = json_pack("{s:s,s:o}", "cmd", cmd, "args", args);
	const enum ctl_exit code = ctl_call(answerp, wire, request);

	json_decref(request);

	return code;
}


static enum ctl_exit send_piece(const struct ctl_wire *wire, json_int_t import,
				const char *data, size_t len)
{
	json_t *text = json_stringn(data, len), *answer = NULL;
	enum ctl_exit code;

	if (!text) {
		fprintf(stderr, "error: the file is not UTF-8\n");
		return EXIT_REFUSED;
	}
	code = call(&answer, wire, "import.data",
		    json_pack("{s:I,s:o}", "import", import, "data", text));
	json_decref(answer);

	return code;
}


/* Pieces end with a line. */
static enum ctl_exit send_file(const struct ctl_wire *wire, json_int_t import,
			       FILE *f)
{
	enum ctl_exit code = EXIT_DONE;
	char *piece = malloc(PIECE);
	size_t l = 0;

	if (!piece)
		return EXIT_REFUSED;

	for (;;) {
		const size_t n = fread(piece + l, 1, PIECE - l, f);
		const char *last;
		size_t whole;

		l += n;
		if (l == 0)
			break;
		last = n > 0 ? memrchr(piece, '\n', l) : piece + l - 1;
		if (!last) {
			fprintf(stderr, "error: a line above %d bytes\n",
				(int)PIECE);
			code = EXIT_REFUSED;
			break;
		}
		whole = (size_t)(last - piece) + 1;
		code = send_piece(wire, import, piece, whole);
		if (code != EXIT_DONE)
			break;
		l -= whole;
		memmove(piece, piece + whole, l);
	}
	free(piece);

	return code;
}


/* An array of objects as CSV: the names of all, in the order in which they
 * first appear. NULL: it is none. */
static FILE *csv_of_json(FILE *f)
{
	json_error_t error;
	json_t *rows = json_loadf(f, 0, &error), *row, *value;
	const char *names[COLUMNS_MAX], *key;
	size_t namec = 0, i, n;
	FILE *csv = json_is_array(rows) ? tmpfile() : NULL;

	if (!csv) {
		fprintf(stderr, "error: line %d: %s\n", error.line,
			rows ? "not an array of objects" : error.text);
		json_decref(rows);
		return NULL;
	}
	json_array_foreach(rows, i, row)
	{
		json_object_foreach(row, key, value)
		{
			for (n = 0; n < namec && strcmp(names[n], key) != 0;)
				n++;
			if (n == namec && namec < COLUMNS_MAX &&
			    !is_left_out(key))
				names[namec++] = key;
		}
	}
	for (n = 0; n < namec; n++) {
		fputs(n ? "," : "", csv);
		print_csv(csv, names[n]);
	}
	fputc('\n', csv);
	json_array_foreach(rows, i, row)
	{
		for (n = 0; n < namec; n++) {
			value = json_object_get(row, names[n]);
			fputs(n ? "," : "", csv);
			if (value)
				print_value(csv, value);
		}
		fputc('\n', csv);
	}
	json_decref(rows);
	rewind(csv);

	return csv;
}


static FILE *open_file(const char *path, bool as_json)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re"), *csv;

	if (!f) {
		fprintf(stderr, "error: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	if (!as_json)
		return f;

	csv = csv_of_json(f);
	if (f != stdin)
		(void)fclose(f);

	return csv;
}


static long long count_of(const json_t *answer, const char *key)
{
	return (long long)json_integer_value(json_object_get(answer, key));
}


static void say_difference(const json_t *answer, bool dry_run)
{
	ctl_print(stdout, json_object_get(answer, "rows"));
	printf("%sadded %lld, changed %lld, removed %lld, version %lld\n",
	       dry_run ? "dry run: " : "", count_of(answer, "added"),
	       count_of(answer, "changed"), count_of(answer, "removed"),
	       count_of(answer, "version"));
}


static enum ctl_exit import_all(const struct ctl_wire *wire, const char *kind,
				const char *path, json_t *args, bool as_json)
{
	const bool dry_run = json_is_true(json_object_get(args, "dry_run"));
	enum ctl_exit code;
	json_t *answer = NULL;
	json_int_t import = 0;
	FILE *f = open_file(path, as_json);

	if (!f)
		return EXIT_USAGE;

	(void)json_object_del(args, "dry_run");
	(void)json_object_set_new(args, "kind", json_string(kind));
	code = call(&answer, wire, "import.begin", json_incref(args));
	if (code == EXIT_DONE) {
		import = json_integer_value(json_object_get(
			json_array_get(json_object_get(answer, "rows"), 0),
			"import"));
		json_decref(answer);
		answer = NULL;
		code = send_file(wire, import, f);
	}
	if (f != stdin)
		(void)fclose(f);
	if (code == EXIT_DONE)
		code = call(&answer, wire, "import.end",
			    json_pack("{s:I,s:b}", "import", import, "dry_run",
				      dry_run));
	if (code == EXIT_DONE && wire->as_json) {
		(void)json_dumpf(answer, stdout, JSON_COMPACT);
		printf("\n");
	}
	else if (code == EXIT_DONE) {
		say_difference(answer, dry_run);
	}
	json_decref(answer);

	return code;
}


/* --- words ---------------------------------------------------------------- */

/** What the words behind "KIND import" say */
struct words {
	json_t *args;
	const char *path;
	bool as_json;
};


static bool is_switch(const char *name)
{
	return strcmp(name, "replace") == 0 || strcmp(name, "dry-run") == 0;
}


static int option(struct words *words, const char *name, const char *value)
{
	if (strcmp(name, "format") == 0) {
		words->as_json = strcmp(value, "json") == 0;
		return words->as_json || strcmp(value, "csv") == 0 ? 0
								   : EINVAL;
	}

	return json_object_set_new(words->args, name, json_string(value))
		       ? EINVAL
		       : 0;
}


static int words_take(struct words *words, int argc, char *const argv[])
{
	for (int i = 2; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		char name[64];

		if (strncmp(argv[i], "--", 2) == 0 && is_switch(argv[i] + 2)) {
			(void)json_object_set_new(words->args,
						  argv[i][2] == 'd'
							  ? "dry_run"
							  : argv[i] + 2,
						  json_true());
		}
		else if (strncmp(argv[i], "--", 2) == 0) {
			if (i + 1 == argc ||
			    option(words, argv[i] + 2, argv[i + 1]))
				return EINVAL;
			i++;
		}
		else if (equals) {
			if (text_copy(name, sizeof(name),
				      (struct text){
					      argv[i],
					      (size_t)(equals - argv[i]) }) ||
			    option(words, name, equals + 1))
				return EINVAL;
		}
		else if (words->path) {
			return EINVAL;
		}
		else {
			words->path = argv[i];
		}
	}

	return 0;
}


enum ctl_exit ctl_transfer(const struct ctl_wire *wire, int argc,
			   char *const argv[])
{
	const bool is_import = strcmp(argv[1], "import") == 0;
	struct words words = { .args = json_object() };
	enum ctl_exit code = EXIT_USAGE;

	if (words_take(&words, argc, argv) || is_import != !!words.path)
		fprintf(stderr,
			"tandemctl: %s import FILE [--format csv|json] "
			"[--replace] [--dry-run] [--table T], or %s export "
			"[--format csv|json] [field=value ...]\n",
			argv[0], argv[0]);
	else if (is_import)
		code = import_all(wire, argv[0], words.path, words.args,
				  words.as_json);
	else
		code = export_all(wire, argv[0], words.args, words.as_json);
	json_decref(words.args);

	return code;
}
