/**
 * @file test/unit/sipd/test_wire_tls.c  TLS on loopback, with certificates of
 *       the test's own making
 */
#include <signal.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "test/unit/sipd/wire_fixture.h"

static const char options[] =
	"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS b;branch=z9hG4bK\r\n"
	"Content-Length: 0\r\n\r\n";
static char large[WIRE_DATAGRAM_MAX];


/* --- certificates -----------------------------------------------------------
 */

static const char *path_of(const char *name, char path[256])
{
	(void)snprintf(path, 256, "%s/%s", t_dir(), name);

	return path;
}


static void write_pem(const char *name, X509 *cert, EVP_PKEY *key)
{
	char path[256];
	FILE *f = fopen(path_of(name, path), "w");

	assert_non_null(f);
	if (cert)
		assert_int_equal(PEM_write_X509(f, cert), 1);
	else
		assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0,
						      NULL, NULL),
				 1);
	(void)fclose(f);
}


/* cert.pem and key.pem, for somebody of this name */
static void certify(const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *subject = X509_NAME_new();

	assert_true(key && cert && subject);
	assert_int_equal(X509_NAME_add_entry_by_txt(
				 subject, "CN", MBSTRING_ASC,
				 (const unsigned char *)name, -1, -1, 0),
			 1);
	assert_int_equal(X509_set_version(cert, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
	assert_int_equal(X509_set_subject_name(cert, subject), 1);
	assert_int_equal(X509_set_issuer_name(cert, subject), 1);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	write_pem("cert.pem", cert, NULL);
	write_pem("key.pem", NULL, key);
	X509_NAME_free(subject);
	X509_free(cert);
	EVP_PKEY_free(key);
}


/* --- the other side ---------------------------------------------------------
 */

struct peer {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};


static void peer_close(struct peer *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	(void)close(p->fd);
}


static int connect_to(uint16_t port)
{
	struct sockaddr_storage sa;
	struct addr own;
	socklen_t len;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(addr_parse(&own, text_of("127.0.0.1")), 0);
	own.port = port;
	len = addr_to_sockaddr(&own, &sa);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);

	return fd;
}


static bool has_shaken(struct peer *p)
{
	return SSL_do_handshake(p->ssl) == 1;
}


static struct peer client_of(struct fixture *fx)
{
	struct peer p = { .ctx = SSL_CTX_new(TLS_client_method()) };

	p.fd = connect_to(fx->sockets[0].port);
	p.ssl = SSL_new(p.ctx);
	assert_int_equal(SSL_set_fd(p.ssl, p.fd), 1);
	SSL_set_connect_state(p.ssl);
	TURN_UNTIL(fx, has_shaken(&p));

	return p;
}


static void name_of(const struct peer *p, char name[64])
{
	X509 *cert = SSL_get1_peer_certificate(p->ssl);

	assert_non_null(cert);
	assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
					      NID_commonName, name, 64) > 0);
	X509_free(cert);
}


static bool hears(struct peer *p, const char *what)
{
	char data[512];

	return SSL_read(p->ssl, data, sizeof(data)) == (int)strlen(what) &&
	       memcmp(data, what, strlen(what)) == 0;
}


static bool is_closed(int fd)
{
	char data[512];
	ssize_t n;

	do
		n = recv(fd, data, sizeof(data), 0);
	while (n > 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}


/* --- a listener -------------------------------------------------------------
 */

struct files {
	char cert[256], key[256];
};


static int start(struct fixture *fx, struct files *files,
		 const struct wire_limits *limits)
{
	struct wire_socket *s;

	memset(fx, 0, sizeof(*fx));
	if (limits)
		fx->limits = *limits;
	s = t_listen(fx, TRANSPORT_TLS, AF_INET, "tls");
	if (!s)
		return errno;
	s->certificate = path_of("cert.pem", files->cert);
	s->key = path_of("key.pem", files->key);

	return t_start(fx);
}


static void messages_come_and_go_encrypted(void **state)
{
	struct fixture fx;
	struct files files;
	struct peer p;
	char name[64];
	(void)state;

	certify("one.example.org");
	assert_int_equal(start(&fx, &files, NULL), 0);
	fx.echoes = true;
	p = client_of(&fx);
	name_of(&p, name);
	assert_string_equal(name, "one.example.org");
	assert_int_equal(SSL_write(p.ssl, options, 10), 10);
	t_turned(&fx);
	assert_int_equal(SSL_write(p.ssl, options + 10,
				   (int)sizeof(options) - 11),
			 sizeof(options) - 11);
	TURN_UNTIL(&fx, hears(&p, options));
	assert_int_equal(fx.gotc, 1);
	assert_int_equal(fx.got[0].from.transport, TRANSPORT_TLS);
	peer_close(&p);
	TURN_UNTIL(&fx, map_count(fx.wire->streams->by_number) == 0);
	t_stop(&fx);
}


static void a_message_of_many_records_is_one(void **state)
{
	struct fixture fx;
	struct files files;
	struct peer p;
	size_t at = 0;
	int head;
	(void)state;

	certify("one.example.org");
	assert_int_equal(start(&fx, &files, NULL), 0);
	p = client_of(&fx);
	memset(large, 'x', sizeof(large));
	head = snprintf(large, 200,
			"OPTIONS sip:a SIP/2.0\r\n"
			"Content-Length: 60000\r\n\r\n");
	large[head] = 'x';
	SSL_set_mode(p.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
	while (at < (size_t)head + 60000) {
		const int n = SSL_write(p.ssl, large + at,
					head + 60000 - (int)at);

		at += n > 0 ? (size_t)n : 0;
		t_turned(&fx);
	}
	TURN_UNTIL(&fx, fx.gotc == 1);
	assert_int_equal(fx.got[0].len, head + 60000);
	peer_close(&p);
	t_stop(&fx);
}


static void a_new_certificate_holds_for_new_connections_only(void **state)
{
	struct fixture fx;
	struct files files;
	struct peer before, after;
	char name[64];
	(void)state;

	certify("one.example.org");
	assert_int_equal(start(&fx, &files, NULL), 0);
	fx.echoes = true;
	before = client_of(&fx);
	certify("two.example.org");
	assert_int_equal(wire_reload(fx.wire), 0);
	after = client_of(&fx);
	name_of(&after, name);
	assert_string_equal(name, "two.example.org");
	assert_true(SSL_write(before.ssl, options, sizeof(options) - 1) > 0);
	TURN_UNTIL(&fx, hears(&before, options));
	name_of(&before, name);
	assert_string_equal(name, "one.example.org");
	peer_close(&before);
	peer_close(&after);
	t_stop(&fx);
}


static void a_certificate_that_cannot_be_used_leaves_the_old_one(void **state)
{
	static const char *const spoilt[] = { "cert.pem", "key.pem" };
	(void)state;

	for (int i = 0; i < 2; i++) {
		struct fixture fx;
		struct files files;
		struct peer p;
		char name[64], path[256];
		FILE *f;

		certify("one.example.org");
		assert_int_equal(start(&fx, &files, NULL), 0);
		f = fopen(path_of(spoilt[i], path), "w");
		assert_non_null(f);
		(void)fputs("nonsense\n", f);
		(void)fclose(f);
		assert_int_equal(wire_reload(fx.wire), 0);
		p = client_of(&fx);
		name_of(&p, name);
		assert_string_equal(name, "one.example.org");
		peer_close(&p);
		t_stop(&fx);
	}
}


static void a_key_of_another_certificate_is_refused(void **state)
{
	struct wire_tls *tls = NULL;
	struct files files;
	char why[WIRE_WHY_MAX] = "", saved[256];
	(void)state;

	certify("one.example.org");
	assert_int_equal(rename(path_of("key.pem", files.key),
				path_of("other.pem", saved)),
			 0);
	certify("two.example.org");
	assert_int_equal(wire_tls_server(&tls, path_of("cert.pem", files.cert),
					 saved, why),
			 EINVAL);
	assert_non_null(strstr(why, "other.pem"));
	assert_null(tls);
}


static void without_a_certificate_nobody_is_let_in(void **state)
{
	struct fixture fx;
	struct files files;
	int fd;
	(void)state;

	certify("one.example.org");
	(void)unlink(path_of("cert.pem", files.cert));
	assert_int_equal(start(&fx, &files, NULL), 0);
	fd = connect_to(fx.sockets[0].port);
	TURN_UNTIL(&fx, is_closed(fd));
	(void)close(fd);
	certify("one.example.org");
	assert_int_equal(wire_reload(fx.wire), 0);
	{
		struct peer p = client_of(&fx);

		peer_close(&p);
	}
	t_stop(&fx);
}


static void what_is_no_tls_ends_the_connection(void **state)
{
	const struct wire_limits limits = { .half_ms = 50 };
	struct fixture fx;
	struct files files;
	int plain, silent;
	(void)state;

	certify("one.example.org");
	assert_int_equal(start(&fx, &files, &limits), 0);
	plain = connect_to(fx.sockets[0].port);
	silent = connect_to(fx.sockets[0].port);
	assert_true(send(plain, options, sizeof(options) - 1, 0) > 0);
	TURN_UNTIL(&fx, is_closed(plain) && is_closed(silent));
	assert_int_equal(fx.gotc, 0);
	(void)close(plain);
	(void)close(silent);
	t_stop(&fx);
}


/* --- as a client ------------------------------------------------------------
 */

struct server {
	struct peer peer;
	int fd;
	struct addr addr;
};


static void serve(struct server *s)
{
	struct files files;

	memset(s, 0, sizeof(*s));
	s->fd = t_socket(SOCK_STREAM, AF_INET, &s->addr);
	assert_true(s->fd >= 0 && listen(s->fd, 8) == 0);
	s->peer.ctx = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate_file(s->peer.ctx,
						      path_of("cert.pem",
							      files.cert),
						      SSL_FILETYPE_PEM),
			 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(s->peer.ctx,
						     path_of("key.pem",
							     files.key),
						     SSL_FILETYPE_PEM),
			 1);
}


static bool has_accepted(struct server *s)
{
	s->peer.fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK);
	if (s->peer.fd < 0)
		return false;

	s->peer.ssl = SSL_new(s->peer.ctx);
	(void)SSL_set_fd(s->peer.ssl, s->peer.fd);
	SSL_set_accept_state(s->peer.ssl);

	return true;
}


static void a_server_is_asked_for_by_its_name_if_it_has_one(void **state)
{
	static const struct {
		const char *name, *asked;
	} rows[] = {
		{ "sip.example.org", "sip.example.org" },
		{ "127.0.0.1", NULL }, /* RFC 6066: no name */
		{ "", NULL },
	};
	(void)state;

	certify("server.example.org");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fx;
		struct files files;
		struct server s;
		struct flow to = { .transport = TRANSPORT_TLS };
		const char *asked;

		assert_int_equal(start(&fx, &files, NULL), 0);
		serve(&s);
		to.remote = s.addr;
		wire_server_name(fx.wire, &s.addr, text_of(rows[i].name));
		assert_int_equal(wire_send(fx.wire, &to, "AB", 2), 0);
		assert_int_equal(wire_send(fx.wire, &to, "CD", 2), 0);
		TURN_UNTIL(&fx, has_accepted(&s));
		TURN_UNTIL(&fx, has_shaken(&s.peer));
		asked = SSL_get_servername(s.peer.ssl,
					   TLSEXT_NAMETYPE_host_name);
		if (rows[i].asked)
			assert_string_equal(asked, rows[i].asked);
		else
			assert_null(asked);
		TURN_UNTIL(&fx, hears(&s.peer, "AB"));
		TURN_UNTIL(&fx, hears(&s.peer, "CD"));
		assert_int_equal(fx.failurec, 0);
		(void)close(s.fd);
		peer_close(&s.peer);
		t_stop(&fx);
	}
}


/* What is queued wakes nobody before it can be sent. */
static void a_server_that_hesitates_costs_nothing(void **state)
{
	struct fixture fx;
	struct files files;
	struct flow to = { .transport = TRANSPORT_TLS };
	struct conn *c;
	int fd, conn = -1;
	(void)state;

	certify("one.example.org");
	assert_int_equal(start(&fx, &files, NULL), 0);
	fd = t_socket(SOCK_STREAM, AF_INET, &to.remote);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(wire_send(fx.wire, &to, "AB", 2), 0);
	c = conn_find(fx.wire, &to);
	assert_non_null(c);
	TURN_UNTIL(&fx, (conn = accept4(fd, NULL, NULL, 0)) >= 0);
	TURN_UNTIL(&fx, c->state == CONN_SHAKING);
	assert_int_equal(c->flags, EV_READ);
	assert_non_null(c->head);
	(void)close(conn);
	(void)close(fd);
	t_stop(&fx);
}


static void a_server_that_speaks_no_tls_is_told(void **state)
{
	struct fixture fx;
	struct files files;
	struct flow to = { .transport = TRANSPORT_TLS };
	int fd, conn = -1;
	(void)state;

	certify("one.example.org");
	assert_int_equal(start(&fx, &files, NULL), 0);
	fd = t_socket(SOCK_STREAM, AF_INET, &to.remote);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(wire_send(fx.wire, &to, "AB", 2), 0);
	TURN_UNTIL(&fx, (conn = accept4(fd, NULL, NULL, 0)) >= 0);
	assert_int_equal(send(conn, "SIP/2.0 200 OK\r\n", 16, 0), 16);
	TURN_UNTIL(&fx, fx.failurec == 1);
	assert_int_equal(fx.failure, EPROTO);
	assert_true(addr_equal(&fx.failed.remote, &to.remote));
	(void)close(conn);
	(void)close(fd);
	t_stop(&fx);
}


/* --- */

/* wire with itself */
static int a_message_is_sent_encrypted(void)
{
	struct fixture fx;
	struct files files;
	struct flow to = { .transport = TRANSPORT_TLS };
	int err;

	certify("one.example.org");
	err = start(&fx, &files, NULL);
	if (err)
		goto out;

	(void)addr_parse(&to.remote, text_of("127.0.0.1"));
	to.remote.port = fx.sockets[0].port;
	wire_server_name(fx.wire, &to.remote, text_of("one.example.org"));
	err = wire_send(fx.wire, &to, options, sizeof(options) - 1);
	for (int i = 0; i < 20; i++)
		t_turned(&fx);
	if (!err && fx.gotc == 0)
		err = ENOMEM;

out:
	t_stop(&fx);

	return err == ENOTCONN || err == ENOBUFS ? ENOMEM : err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_and_go_encrypted),
		cmocka_unit_test(a_message_of_many_records_is_one),
		cmocka_unit_test(
			a_new_certificate_holds_for_new_connections_only),
		cmocka_unit_test(
			a_certificate_that_cannot_be_used_leaves_the_old_one),
		cmocka_unit_test(a_key_of_another_certificate_is_refused),
		cmocka_unit_test(without_a_certificate_nobody_is_let_in),
		cmocka_unit_test(what_is_no_tls_ends_the_connection),
		cmocka_unit_test(
			a_server_is_asked_for_by_its_name_if_it_has_one),
		cmocka_unit_test(a_server_that_hesitates_costs_nothing),
		cmocka_unit_test(a_server_that_speaks_no_tls_is_told),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_message_is_sent_encrypted),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as a daemon does */

	return T_MAIN(tests, scenarios);
}
