/**
 * @file test/unit/sipd/test_sdp_golden.c  SDP in, SDP out
 *
 * test/golden/sdp holds pairs: NAME.in begins with lines "# word value..."
 * that say what is edited, then comes the SDP; NAME.out is what it becomes,
 * or the name of an error. Lines of both end in LF in the file. The SDP is
 * given with CRLF, unless it says "# lf"; "# chop" takes off its last line
 * end. What comes out always has CRLF.
 *
 * Of each pair two more things hold: what came out can be parsed, and edited
 * again it stays as it is.
 */
#include <dirent.h>

#include "shared/base/util.h"
#include "sipd/sdpedit.h"
#include "test/support/t.h"

enum {
	BYTES_MAX = 2 * SDP_BYTES_MAX,
	NAMES_MAX = 8
};

struct golden {
	struct sdp_edit edit;
	bool is_lf, is_chopped;
	char in[BYTES_MAX], want[BYTES_MAX], sdp[BYTES_MAX];
	/* the words of the directives, cut in place */
	const char *names[2][NAMES_MAX];
};

static struct golden g;


static void slurp(char dst[BYTES_MAX], const char *name, const char *suffix)
{
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s.%s", GOLDEN_DIR, name, suffix);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	n = fread(dst, 1, BYTES_MAX - 1, f);
	dst[n] = '\0';
	fclose(f);
}


static void take_codecs(struct sdp_codecs *codecs, const char **names,
			char *words)
{
	char *state = NULL;

	codecs->names = names;
	for (char *w = strtok_r(words, " ", &state); w;
	     w = strtok_r(NULL, " ", &state)) {
		assert_true(codecs->namec < NAMES_MAX);
		names[codecs->namec++] = w;
	}
}


static void take_ports(struct sdp_edit *edit, char *words)
{
	char *state = NULL;
	size_t i = 0;

	edit->is_relayed = true;
	for (char *w = strtok_r(words, " ", &state); w;
	     w = strtok_r(NULL, " ", &state)) {
		assert_true(i < SDP_MEDIAC_MAX);
		edit->media[i++].port = (uint16_t)strtoul(w, NULL, 10);
	}
}


static void take(char *word, char *value)
{
	struct sdp_edit *edit = &g.edit;

	if (strcmp(word, "host") == 0)
		edit->origin_host = value;
	else if (strcmp(word, "relay") == 0)
		take_ports(edit, value);
	else if (strcmp(word, "a") == 0)
		take_codecs(&edit->a, g.names[0], value);
	else if (strcmp(word, "b") == 0)
		take_codecs(&edit->b, g.names[1], value);
	else if (strcmp(word, "add_events") == 0)
		edit->add_events = true;
	else if (strcmp(word, "event") == 0)
		edit->event = (uint8_t)strtoul(value, NULL, 10);
	else if (strcmp(word, "drop_events") == 0)
		edit->drop_events = true;
	else if (strcmp(word, "lf") == 0)
		g.is_lf = true;
	else if (strcmp(word, "chop") == 0)
		g.is_chopped = true;
	else
		fail_msg("no such directive: %s", word);
}


/* The directives; what is left is the SDP. */
static char *take_directives(void)
{
	static char nothing[] = "";
	char *p = g.in;

	while (p[0] == '#' && p[1] == ' ') {
		char *end = strchr(p, '\n'), *value;

		assert_non_null(end);
		*end = '\0';
		value = strchr(p + 2, ' ');
		if (value)
			*value++ = '\0';
		take(p + 2, value ? value : nothing);
		p = end + 1;
	}

	return p;
}


static struct text sdp_make(const char *from)
{
	size_t n = 0;

	for (; *from; from++) {
		if (*from == '\n' && !g.is_lf)
			g.sdp[n++] = '\r';
		g.sdp[n++] = *from;
		assert_true(n + 2 < sizeof(g.sdp));
	}
	if (g.is_chopped)
		n -= g.is_lf ? 1 : 2;

	return (struct text){ g.sdp, n };
}


/* LF for CRLF; there is no other CR or LF */
static void unfold(char *dst, struct text t)
{
	for (size_t i = 0; i < t.l; i++) {
		if (t.p[i] == '\r') {
			assert_true(i + 1 < t.l && t.p[i + 1] == '\n');
			continue;
		}
		if (t.p[i] == '\n')
			assert_true(i > 0 && t.p[i - 1] == '\r');
		*dst++ = t.p[i];
	}
	*dst = '\0';
}


static const char *error_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = { { ENOENT, "ENOENT\n" },
		      { EBADMSG, "EBADMSG\n" },
		      { EMSGSIZE, "EMSGSIZE\n" } };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i].err == err)
			return names[i].name;

	return "another error\n";
}


static void check_again(const char *name, struct text out)
{
	static char again[SDP_BYTES_MAX];
	struct sdp sdp;
	size_t len;
	const int err = sdp_parse(&sdp, out, NULL, NULL);

	if (err)
		fail_msg("%s: what came out is refused: %s", name,
			 strerror(err));
	assert_int_equal(sdp.session, g.edit.session);
	assert_int_equal(sdp.version, g.edit.version);
	assert_int_equal(sdp_edit(again, sizeof(again), &len, out, &g.edit),
			 0);
	if (len != out.l || memcmp(again, out.p, len) != 0)
		fail_msg("%s: the second time:\n%.*s", name, (int)len, again);
}


static void check(const char *name)
{
	static char out[SDP_BYTES_MAX], lines[SDP_BYTES_MAX];
	struct text sdp;
	size_t len = 0;
	int err;

	memset(&g, 0, sizeof(g));
	g.edit.session = 4711002;
	g.edit.version = 1;
	g.edit.origin_host = "198.51.100.1";
	slurp(g.in, name, "in");
	slurp(g.want, name, "out");
	sdp = sdp_make(take_directives());

	err = sdp_edit(out, sizeof(out), &len, sdp, &g.edit);
	if (err) {
		if (strcmp(error_name(err), g.want) != 0)
			fail_msg("%s: %s", name, error_name(err));
		return;
	}
	unfold(lines, (struct text){ out, len });
	if (strcmp(lines, g.want) != 0)
		fail_msg("%s:\n%s", name, lines);
	check_again(name, (struct text){ out, len });

	/* one byte less is too little */
	assert_int_equal(sdp_edit(out, len - 1, &len, sdp, &g.edit), EMSGSIZE);

	/* what was read before need not be read again */
	g.edit.is_read = true;
	assert_int_equal(sdp_edit(out, sizeof(out), &len, sdp, &g.edit), 0);
	unfold(lines, (struct text){ out, len });
	assert_string_equal(lines, g.want);
}


static void each_in_becomes_its_out(void **state)
{
	DIR *dir = opendir(GOLDEN_DIR);
	const struct dirent *entry;
	int pairc = 0;
	(void)state;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const struct text file = text_of(entry->d_name);
		char name[256];

		if (file.l < 4 || strcmp(file.p + file.l - 3, ".in") != 0)
			continue;
		assert_int_equal(text_copy(name, sizeof(name),
					   (struct text){ file.p,
							  file.l - 3 }),
				 0);
		check(name);
		pairc++;
	}
	closedir(dir);
	assert_true(pairc >= 25);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_in_becomes_its_out),
	};

	return T_MAIN_ONLY(tests);
}
