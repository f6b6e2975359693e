/**
 * @file sipd/call_act.h  What a call does: the actions of call_fsm.c
 *
 * Each starts something and returns; an error becomes EV_ERROR. What comes of
 * it comes back as an event.
 */
#ifndef TANDEM_SIPD_CALL_ACT_H
#define TANDEM_SIPD_CALL_ACT_H

struct call;

int call_ask(struct call *call);    /* call_ask.c */
int call_next(struct call *call);   /* call_route.c */
int call_invite(struct call *call); /* call_invite.c */
int call_repeat(struct call *call);
int call_trying(struct call *call); /* call_progress.c */
int call_progress(struct call *call);
/** The timer of a predecessor's provisionals goes on */
void call_progress_adopt(struct call *call);
int call_switch(struct call *call);       /* call_route.c */
int call_answer(struct call *call);       /* call_answer.c */
void call_answer_a(struct call *call);    /**< Its second half */
void call_answer_told(struct call *call); /**< When mediad knows, too */
int call_refuse(struct call *call);       /* call_end.c */
int call_cancel(struct call *call);
int call_release(struct call *call);
int call_record(struct call *call);
int call_forget(struct call *call);

#endif
