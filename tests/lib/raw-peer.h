/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"
#include "wire-frame.h"

/*
 * A peer that does not use the client library: it sends frames, or any other bytes, that a test makes by hand.
 *
 * All functions block. The broker runs in another process or thread, and the watchdog ends a test that waits too long.
 */

typedef struct RawPeer RawPeer;

#define RAW_VERSION_1 0x10000u

RawPeer *raw_peer_connect (const char *address);
void raw_peer_free (RawPeer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RawPeer, raw_peer_free)

/* FALSE: the broker has closed the connection. */
gboolean raw_peer_send_bytes (RawPeer *self, const void *bytes, gsize len);
/* Ends the direction to the broker; frames from the broker can still be read. */
void raw_peer_shut (RawPeer *self);
gboolean raw_peer_send_frame (RawPeer *self, guint8 kind, guint8 flags, WireSpan body);
gboolean raw_peer_send (RawPeer *self, guint8 kind, guint8 flags, const WireEnvelope *envelope);
gboolean raw_peer_send_hello (RawPeer *self, const char *id, const char *type, guint32 oldest, guint32 newest);
/* The bytes of a whole HELLO frame. */
GByteArray *raw_peer_hello_bytes (const char *id, const char *type, guint32 oldest, guint32 newest);

/* Waits for the next frame; FALSE: end of the connection. @frame is valid until the next call. */
gboolean raw_peer_next (RawPeer *self, WireFrame *frame);

/* Sends a HELLO for version 1, waits for WELCOME, and returns the version that both sides agreed on. */
guint32 raw_peer_hello (RawPeer *self, const char *id, const char *type);
guint32 raw_peer_expect_welcome (RawPeer *self);
/* The same as raw_peer_hello(), with features of wire-feature.h; asserts that they are granted. */
void raw_peer_hello_with (RawPeer *self, const char *id, const char *type, guint64 features);
/* Skips frames until one of @kind is received, and reads its envelope, which is valid until the next call. */
void raw_peer_expect (RawPeer *self, guint8 kind, WireEnvelope *envelope);
/* Waits for GOODBYE, then for the end of the connection. Returns the status; @detail (transfer full) may be NULL. */
guint32 raw_peer_expect_goodbye (RawPeer *self, char **detail);
/* Waits for the answer to HELLO. Returns the status of GOODBYE; 0: the answer is WELCOME. */
guint32 raw_peer_expect_refusal (RawPeer *self);
