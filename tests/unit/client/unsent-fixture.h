/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"
#include <string.h>

/* A client that publishes more than the socket takes or the credit allows, and the numbers in its errors. */

typedef ClientFixture Fixture;

DeyeBusOptions *unsent_fixture_with_timeout (gint64 timeout_us);

void unsent_fixture_publish_large (Fixture *f, guint n);

/* Publishes messages of 100,000 bytes, of which the socket takes only some. Returns the number of the others. */
guint64 unsent_fixture_publish_too_much (Fixture *f, guint n);

guint unsent_fixture_count_frames (Fixture *f);

static const ScriptWelcome wide = { .window_bytes = 64u << 20 };
static const ScriptWelcome two = { .window_messages = 2 };

void unsent_fixture_assert_number (const GError *error, guint64 number);

void unsent_fixture_publish_async (Fixture *f, const char *topic, guint n);
