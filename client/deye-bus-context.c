/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-context.h"

#include "wire-hot.h"

static GMutex context_lock; /* protects the list; also held from acquiring a context until its dispose is in the list */
static GCond context_ended;
static DeyeBusContextRelease *context_releases;

/* TRUE if @context is owned by a thread that disposes of a client, so that it will be free soon. FALSE also if the calling
 * thread itself disposes of a client: otherwise two threads could each dispose of a client and wait for the context of the
 * other. The caller holds the lock, so that a thread that has acquired the context for a dispose is always in the list. */
static gboolean
context_must_wait (const GMainContext *context)
{
  gboolean found = FALSE;

  for (const DeyeBusContextRelease *release = context_releases; release != NULL; release = release->next)
    {
      if (release->thread == g_thread_self ())
        return FALSE;
      found = found || release->context == context;
    }
  return found;
}

static gboolean
context_wait (GMainContext *context)
{
  gboolean acquired;

  g_mutex_lock (&context_lock);
  while (!(acquired = g_main_context_acquire (context)) && context_must_wait (context))
    g_cond_wait (&context_ended, &context_lock);
  g_mutex_unlock (&context_lock);
  return acquired;
}

guint
deye_bus_context_this_thread (void)
{
  static gint last;
  static _Thread_local guint number;

  if (G_UNLIKELY (number == 0))
    number = (guint) g_atomic_int_add (&last, 1) + 1;
  return number;
}

WIRE_HOT gboolean
deye_bus_context_acquire (GMainContext *context)
{
  return g_main_context_acquire (context) || context_wait (context);
}

/* Disposes of the object while this source has a reference to it. The other thread may still be inside g_object_unref(), and its
 * reference may be the last one. It then only finalizes an object that is no longer attached to the context. */
static gboolean
context_on_released (gpointer data)
{
  g_object_run_dispose (data);
  return G_SOURCE_REMOVE; /* frees the source, and with it the reference */
}

/* Language bindings release the last reference in the thread that happens to collect garbage. Another thread may be in a
 * dispatch for the same object at that moment, so the object must not be disposed of here. A source in the context gets a new
 * reference to it, and disposes of it when no dispatch is in progress. */
void
deye_bus_context_hand_over (GMainContext *context, GObject *object)
{
  GSource *source = g_idle_source_new ();

  g_source_set_static_name (source, "DeyeBusReleased");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, context_on_released, g_object_ref (object), g_object_unref);
  g_source_attach (source, context);
  g_source_unref (source);
}

gboolean
deye_bus_context_begin_release (DeyeBusContextRelease *release, GMainContext *context)
{
  gboolean acquired;

  g_mutex_lock (&context_lock);
  acquired = g_main_context_acquire (context);
  if (acquired)
    {
      *release = (DeyeBusContextRelease){ context, g_thread_self (), context_releases };
      context_releases = release;
    }
  g_mutex_unlock (&context_lock);
  return acquired;
}

void
deye_bus_context_end_release (DeyeBusContextRelease *release)
{
  DeyeBusContextRelease **link = &context_releases;

  g_mutex_lock (&context_lock);
  while (*link != release)
    link = &(*link)->next;
  *link = release->next;
  g_main_context_release (release->context);
  g_cond_broadcast (&context_ended);
  g_mutex_unlock (&context_lock);
}
