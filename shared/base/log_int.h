/**
 * @file shared/base/log_int.h  Between the log and the thread that writes it
 */
#ifndef TANDEM_BASE_LOG_INT_H
#define TANDEM_BASE_LOG_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Takes a line, without blocking, or does not: it is lost */
typedef bool(log_put_h)(const char *text, size_t len);

/** Where lines go; NULL: to descriptor 2 */
void log_put_set(log_put_h *puth);

/** So many lines are lost; not for the thread: a metric has one writer */
void log_count_dropped(uint32_t lines);

#endif
