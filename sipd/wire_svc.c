/**
 * @file sipd/wire_svc.c  The sockets of the daemon, as wire takes them
 */
#include <errno.h>

#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/wire_parts.h"

struct use {
	Tandem__SocketUse use;
	enum transport transport;
};

static const struct use uses[] = {
	{ TANDEM__SOCKET_USE__SOCKET_USE_SIP_UDP, TRANSPORT_UDP },
	{ TANDEM__SOCKET_USE__SOCKET_USE_SIP_TCP, TRANSPORT_TCP },
	{ TANDEM__SOCKET_USE__SOCKET_USE_SIP_TLS, TRANSPORT_TLS },
};


/* index counts through all of them, use by use */
static int on_socket(size_t index, struct wire_socket *socketp, void *arg)
{
	const struct svc *svc = arg;

	for (size_t i = 0; i < COUNT_OF(uses); i++) {
		struct svc_socket s;
		size_t count = 0;

		if (svc_socket(svc, uses[i].use, index, &s) == 0) {
			*socketp = (struct wire_socket){
				.transport = uses[i].transport,
				.fd = s.fd,
				.port = s.port,
				.name = s.listener,
				.bind = s.bind,
				.advertised = s.advertised,
				.certificate = s.certificate,
				.key = s.key,
			};
			return 0;
		}
		while (svc_socket(svc, uses[i].use, count, &s) == 0)
			count++;
		index -= count;
	}

	return ENOENT;
}


int wire_alloc(struct wire **wirep, const struct wire_args *args)
{
	struct wire_base base;

	if (!args || !args->svc)
		return EINVAL;

	base = (struct wire_base){
		.ev = svc_ev(args->svc),
		.log = svc_log(args->svc),
		.catalog = svc_catalog(args->svc),
		.socketh = on_socket,
		.arg = args->svc,
	};

	return wire_alloc_on(wirep, args, &base);
}
