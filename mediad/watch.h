/**
 * @file mediad/watch.h  Looking after sessions, twice a second each
 *
 * No media (media 9), and sessions whose call is gone: once a minute sipd is
 * asked whether it still knows a session, and releases it if not. While sipd
 * is away nobody answers, and media goes on.
 */
#ifndef TANDEM_MEDIAD_WATCH_H
#define TANDEM_MEDIAD_WATCH_H

struct mediad;

void watch_start(struct mediad *mediad);
void watch_stop(struct mediad *mediad);

#endif
