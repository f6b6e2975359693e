/**
 * @file shared/ipc/encode.h  Messages as bytes, in one walk
 *
 * protobuf-c asks for the size first, which is a walk as long as the one that
 * encodes, and asks again for each message within. Written from its end to its
 * beginning, a message knows the size of what it holds when it comes to say
 * it. The bytes are those of protobuf-c.
 */
#ifndef TANDEM_IPC_ENCODE_H
#define TANDEM_IPC_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/** At the end of data, which has size bytes.
 *  @return where it begins; NULL: it does not fit */
uint8_t *encode(const ProtobufCMessage *message, uint8_t *data, size_t size);

#endif
