/**
 * @file shared/ev/re_on_uv.h  libre runs on our loop
 *
 * The objects re_on_uv.c and tmrwheel.c define every public symbol of libre's
 * main.o and tmr.o; linked as objects before libre.a they keep those out.
 * tools/check-link fails the build when libre's own slip in.
 */
#ifndef TANDEM_EV_RE_ON_UV_H
#define TANDEM_EV_RE_ON_UV_H

struct ev;

/** From now on libre's descriptors and timers are this loop's; once per
 *  process, before anything of libre is used. NULL: let go again; nothing of
 *  libre may still listen or run then. */
int re_on_uv(struct ev *ev);

/** The loop libre runs on; NULL before re_on_uv(). For tmrwheel.c. */
struct ev *re_ev(void);

#endif
