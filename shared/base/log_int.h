/**
 * @file shared/base/log_int.h  Between the log and the thread that writes it
 */
#ifndef TANDEM_BASE_LOG_INT_H
#define TANDEM_BASE_LOG_INT_H

#include <stdint.h>

/** Lines go into this pipe, which never blocks; -1: to descriptor 2 */
void log_pipe_set(int fd);

/** So many lines are lost; not for the thread: a metric has one writer */
void log_count_dropped(uint32_t lines);

#endif
