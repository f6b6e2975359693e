/**
 * @file sipd/sound.h  What is known of the media of relayed calls
 *
 * Kept apart from the call: most calls of a wholesale switch are never
 * relayed, and a call that is held should be small.
 */
#ifndef TANDEM_SIPD_SOUND_H
#define TANDEM_SIPD_SOUND_H

struct call;
struct sipd;

/** For a call that is to be relayed; it may have it. @return 0, ENOMEM */
int sound_take(struct call *call);
/** Accepts a call without */
void sound_give(struct call *call);
void sounds_free(struct sipd *sipd);

#endif
