/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"
#include "deye-bus-client-private.h"
#include "session/deye-bus-session-data.h"
#include "wire-feature.h"
#include <glib/gstdio.h>

/* Helpers for tests of a client's calls. */

typedef ClientFixture Fixture;

const ScriptFrame *calls_fixture_frame_at (GPtrArray *frames, guint i);

/* Publishes @n messages of @bytes zeros to events.process.new. */
void calls_fixture_publish (Fixture *f, gsize n, gsize bytes);
/* Asserts that the broker has received @n new frames. */
void calls_fixture_expect (Fixture *f, guint n);

DeyeBusOptions *calls_fixture_with_timeout (gint64 timeout_us);

void calls_fixture_remember_error (DeyeBusClient *client, const GError *error, gpointer data);
