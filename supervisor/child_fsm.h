/**
 * @file supervisor/child_fsm.h  The life of a child: states and events
 */
#ifndef TANDEM_SUPERVISOR_CHILD_FSM_H
#define TANDEM_SUPERVISOR_CHILD_FSM_H

#include <stdint.h>

enum child_state {
	CHILD_NONE,     /**< Not a state: marks an empty row */
	CHILD_DOWN,     /**< Not wanted, or not yet */
	CHILD_STARTING, /**< Spawned, or found alive; not ready yet */
	CHILD_READY,
	CHILD_HANDING,  /**< Asked to end; its successor follows */
	CHILD_YIELDING, /**< Asked to end; then it waits for others */
	CHILD_LEAVING,  /**< Drains; then its successor follows */
	CHILD_DRAINING, /**< Drains; then it stays down */
	CHILD_KILLING,  /**< Being killed; comes back */
	CHILD_ENDING,   /**< Being killed; stays down */
	CHILD_BACKOFF,  /**< Died too often or too early: waits */
	CHILD_STATEC
};

enum child_event {
	CHILD_EV_START,
	CHILD_EV_SPAWN_FAILED,
	CHILD_EV_READY,
	CHILD_EV_BEAT_MISSED,
	CHILD_EV_EXITED_AGAIN, /**< Gone; may be started at once */
	CHILD_EV_EXITED_WAIT,  /**< Gone; too early or too often */
	CHILD_EV_STOP,
	CHILD_EV_RESTART,       /**< Hand over */
	CHILD_EV_RESTART_DRAIN, /**< Drain first */
	CHILD_EV_YIELD,         /**< Hand over, and stay down until START */
	CHILD_EV_DEADLINE,      /**< The state's own deadline passed */
	CHILD_EVENTC
};

struct child;

/** What an action is given; returns an errorcode: the spawn failed */
typedef int(child_act_h)(struct child *child);

child_act_h act_spawn, act_ready, act_healthy, act_hand_over, act_drain,
	act_abort, act_kill, act_back_off, act_down;

/** The row's action and next state; CHILD_NONE: the event cannot matter */
enum child_state child_fsm_next(enum child_state state, enum child_event ev,
				child_act_h **actp);

const char *child_state_name(enum child_state state);
const char *child_event_name(enum child_event ev);

#endif
