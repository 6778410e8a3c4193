/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A way for a child process to pass open connections to the test that started it.
 *
 * The test creates the channel and gives one end to the child; the child sends, the test receives. A connection is
 * passed as its handle, as in deye_bus_client_new_for_fd(). Nothing else is sent on the channel, and nothing in the other
 * direction: the child reports on its standard output that it has sent a handle.
 *
 * Invariant: a received handle belongs to the receiver. The sender still has its own handle, and closes it.
 */

typedef struct TestChannel TestChannel;

/* @child_end is for test_process_spawn(), which takes it. */
TestChannel *test_channel_new (gintptr *child_end);
/* In the child: its end. NULL: it has none. */
TestChannel *test_channel_inherited (void);
void test_channel_free (TestChannel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestChannel, test_channel_free)

void test_channel_send (TestChannel *self, gintptr handle);
/* Blocks until a handle was sent. */
gintptr test_channel_receive (TestChannel *self);
/* Closes a handle that was sent or received. */
void test_channel_close_handle (gintptr handle);
