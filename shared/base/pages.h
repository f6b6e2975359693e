/**
 * @file shared/base/pages.h  Memory that is about to be used
 *
 * Each page that is touched for the first time is an exception, which costs
 * several times what the page does. One call has many of them ready; what the
 * kernel refuses (before Linux 5.14) is there when it is touched, as ever.
 */
#ifndef TANDEM_BASE_PAGES_H
#define TANDEM_BASE_PAGES_H

#include <stddef.h>

/** It will be read. Holes of a file in memory become pages all the same. */
void pages_read(const void *data, size_t size);

/** It will be written, too. What is there stays. */
void pages_write(void *data, size_t size);

/**
 * So much of the heap, at once and for as long as the process lives: what is
 * allocated soon lies there. Blocks of a megabyte and more lie elsewhere.
 */
void pages_heap(size_t size);

#endif
