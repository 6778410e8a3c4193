/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib-object.h>

/*
 * The main context of a client. One thread at a time owns it, and a public call acquires it.
 *
 * Another thread may own it for two reasons. It iterates the context, for an unknown time: then a call fails at once. Or it is
 * about to dispose of a client whose last reference it released, as garbage collectors do: that is short and not visible to the
 * caller, so a call waits for its end.
 *
 * Invariant: no thread waits here while it disposes of a client itself, so two of them never wait for each other.
 */

/* The dispose of one object; on the stack of its thread. */
typedef struct DeyeBusContextRelease DeyeBusContextRelease;
struct DeyeBusContextRelease
{
  GMainContext *context;
  GThread *thread;
  DeyeBusContextRelease *next;
};

/* A number of the calling thread that is not 0, and that no other thread ever gets in this process. A client that owns its
 * context remembers it: a comparison is cheaper than the lock of the context. */
guint deye_bus_context_this_thread (void);

/* FALSE: another thread iterates @context. TRUE: call g_main_context_release() at the end. */
gboolean deye_bus_context_acquire (GMainContext *context);

/* For the dispose of an object whose last reference was released while another thread runs @context: that thread gets the
 * reference, and disposes of the object. */
void deye_bus_context_hand_over (GMainContext *context, GObject *object);

/* Never waits. FALSE: another thread owns @context. */
gboolean deye_bus_context_begin_release (DeyeBusContextRelease *release, GMainContext *context);
void deye_bus_context_end_release (DeyeBusContextRelease *release);
