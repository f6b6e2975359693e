/**
 * @file sipd/wire_tls.c  TLS on connections (RFC 5246, RFC 8446)
 *
 * OpenSSL itself rather than libre's TLS, which cannot take over a socket the
 * supervisor accepted on, names no server (SNI) and cannot change a
 * certificate while it runs. A session keeps the certificate it began with.
 *
 * TLS 1.2 and above. Peers are not verified: gateways show certificates of
 * their own making, and a caller is known by its address or its digest.
 * Writing to a socket whose peer is gone raises SIGPIPE, which a daemon
 * ignores (shared/svc/fatal.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "shared/base/util.h"
#include "sipd/wire_parts.h"

struct wire_tls {
	SSL_CTX *ctx;
	bool is_server;
};

struct wire_session {
	SSL *ssl;
	bool wants_write;
	bool is_broken; /**< Nothing more may be said on it */
};


struct wire_tls *wire_tls_free(struct wire_tls *tls)
{
	if (!tls)
		return NULL;

	SSL_CTX_free(tls->ctx); /* sessions hold it too */
	free(tls);

	return NULL;
}


static int tls_alloc(struct wire_tls **tlsp, bool is_server)
{
	struct wire_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return ENOMEM;

	tls->is_server = is_server;
	tls->ctx = SSL_CTX_new(is_server ? TLS_server_method()
					 : TLS_client_method());
	if (!tls->ctx ||
	    !SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION)) {
		(void)wire_tls_free(tls);
		return ENOMEM;
	}

	(void)SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION |
						    SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_mode(tls->ctx,
			       SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				       SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_NONE, NULL);
	/* Connections are long and few: nothing is kept for their return. */
	(void)SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
	*tlsp = tls;

	return 0;
}


static void say_why(char why[WIRE_WHY_MAX], const char *file)
{
	char text[128];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	(void)text_print(why, WIRE_WHY_MAX, "%s: %s", file, text);
	ERR_clear_error();
}


int wire_tls_server(struct wire_tls **tlsp, const char *certificate,
		    const char *key, char why[WIRE_WHY_MAX])
{
	struct wire_tls *tls = NULL;
	int err;

	err = tls_alloc(&tls, true);
	if (err) {
		(void)text_print(why, WIRE_WHY_MAX, "%s", strerror(err));
		return err;
	}

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(tls->ctx, certificate) != 1) {
		say_why(why, certificate);
		err = EINVAL;
	}
	else if (SSL_CTX_use_PrivateKey_file(tls->ctx, key,
					     SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(tls->ctx) != 1) {
		say_why(why, key);
		err = EINVAL;
	}
	if (err)
		(void)wire_tls_free(tls);
	else
		*tlsp = tls;

	return err;
}


int wire_tls_client(struct wire_tls **tlsp)
{
	return tls_alloc(tlsp, false);
}


/* SSL_set_tlsext_host_name() casts a const away. */
static bool name_server(SSL *ssl, const char *name)
{
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
			TLSEXT_NAMETYPE_host_name, unconst(name)) == 1;
}


int wire_session_alloc(struct wire_session **sp, const struct wire_tls *tls,
		       int fd, const char *name)
{
	struct wire_session *s = calloc(1, sizeof(*s));

	if (!s)
		return ENOMEM;

	s->ssl = SSL_new(tls->ctx);
	if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1 ||
	    (name && !name_server(s->ssl, name))) {
		ERR_clear_error();
		(void)wire_session_free(s);
		return ENOMEM;
	}
	if (tls->is_server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	*sp = s;

	return 0;
}


struct wire_session *wire_session_free(struct wire_session *s)
{
	if (!s)
		return NULL;

	SSL_free(s->ssl);
	free(s);

	return NULL;
}


/* What an OpenSSL call that did not succeed means to us */
static int session_result(struct wire_session *s, int result)
{
	const int saved = errno;
	const int why = SSL_get_error(s->ssl, result);

	s->wants_write = why == SSL_ERROR_WANT_WRITE;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return EAGAIN;
	if (why == SSL_ERROR_ZERO_RETURN)
		return ESHUTDOWN;

	s->is_broken = true;
	ERR_clear_error();

	return why == SSL_ERROR_SYSCALL && saved ? saved : EPROTO;
}


int wire_session_shake(struct wire_session *s)
{
	int result;

	ERR_clear_error();
	errno = 0;
	result = SSL_do_handshake(s->ssl);
	if (result != 1)
		return session_result(s, result);

	s->wants_write = false;

	return 0;
}


int wire_session_read(struct wire_session *s, void *data, size_t size,
		      size_t *lenp)
{
	int result;

	ERR_clear_error();
	errno = 0;
	result = SSL_read_ex(s->ssl, data, size, lenp);
	if (result != 1)
		return session_result(s, result);

	s->wants_write = false;

	return 0;
}


int wire_session_write(struct wire_session *s, const void *data, size_t len,
		       size_t *lenp)
{
	int result;

	ERR_clear_error();
	errno = 0;
	result = SSL_write_ex(s->ssl, data, len, lenp);
	if (result != 1)
		return session_result(s, result);

	s->wants_write = false;

	return 0;
}


bool wire_session_wants_write(const struct wire_session *s)
{
	return s->wants_write;
}


bool wire_session_has_more(const struct wire_session *s)
{
	return SSL_has_pending(s->ssl) == 1;
}


void wire_session_end(struct wire_session *s)
{
	if (s->is_broken || SSL_in_init(s->ssl))
		return;

	ERR_clear_error();
	(void)SSL_shutdown(s->ssl);
	ERR_clear_error();
}
