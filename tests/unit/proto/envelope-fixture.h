/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * Envelopes with every field set, their bytes, and the comparison of two of them.
 */

/* Sets every field of a client, and every field of a broker. */
void envelope_fill_client (WireEnvelope *e);

void envelope_fill_broker (WireEnvelope *e);

GByteArray *envelope_write (const WireEnvelope *e);

void envelope_assert_equal (const WireEnvelope *a, const WireEnvelope *b);

WireReadResult envelope_read (const void *bytes, gsize len, guint8 kind, WireDirection from, WireEnvelope *e);
