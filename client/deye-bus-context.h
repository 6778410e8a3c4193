/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib-object.h>

/*
 * The ownership of a client's main context. Each public call acquires the context, so that one thread at a time uses the
 * client.
 *
 * If another thread owns the context, there are two cases. That thread may iterate the context, for an unknown time: then a
 * call fails at once. Or it may be disposing of a client whose last reference it has released, as garbage collectors do in any
 * thread. That takes a short time, and the program cannot avoid it, so a call waits for the end of the dispose.
 *
 * Invariant: a thread that disposes of a client never waits here, so two such threads never wait for each other.
 */

/* A dispose in progress; on the stack of the thread that disposes. */
typedef struct DeyeBusContextRelease DeyeBusContextRelease;
struct DeyeBusContextRelease
{
  GMainContext *context;
  GThread *thread;
  DeyeBusContextRelease *next;
};

/* A number for the calling thread. It is not 0, and no other thread of this process ever gets it. A client remembers the number
 * of the thread that owns its context, because a comparison is cheaper than the lock of the context. */
guint deye_bus_context_this_thread (void);

/* Acquires @context, and waits for a dispose in another thread if necessary. FALSE: another thread iterates it. TRUE: call
 * g_main_context_release() at the end. */
gboolean deye_bus_context_acquire (GMainContext *context);

/* The last reference to @object was released while another thread owns @context: lets a source of the context dispose of
 * @object. */
void deye_bus_context_hand_over (GMainContext *context, GObject *object);

/* Acquires @context for a dispose. Never waits. FALSE: another thread owns @context. */
gboolean deye_bus_context_begin_release (DeyeBusContextRelease *release, GMainContext *context);
void deye_bus_context_end_release (DeyeBusContextRelease *release);
