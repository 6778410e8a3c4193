/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-own-frames.h"

static const DeyeBusOwnFrame *
own_frame_at (const DeyeBusOwnFrames *own, guint i)
{
  return &g_array_index (own->frames, DeyeBusOwnFrame, i);
}

static guint
own_frames_length (const DeyeBusOwnFrames *own)
{
  return own->frames != NULL ? own->frames->len : 0;
}

/* The number of frames of which all bytes were sent. */
static guint
own_frames_n_sent (const DeyeBusOwnFrames *own, guint64 sent)
{
  guint n = 0;

  while (n < own_frames_length (own) && own_frame_at (own, n)->end <= sent)
    n++;
  return n;
}

void
deye_bus_own_frames_add (DeyeBusOwnFrames *own, const DeyeBusOwnFrame *frame, guint64 sent)
{
  const guint n_sent = own_frames_n_sent (own, sent);

  if (own->frames == NULL)
    own->frames = g_array_new (FALSE, FALSE, sizeof (DeyeBusOwnFrame));
  if (n_sent > 0)
    g_array_remove_range (own->frames, 0, n_sent);
  g_array_append_val (own->frames, *frame);
}

void
deye_bus_own_frames_clear (DeyeBusOwnFrames *own)
{
  g_clear_pointer (&own->frames, g_array_unref);
  own->next = 0;
}

DeyeBusOutCount
deye_bus_own_frames_count (const DeyeBusOwnFrames *own, guint64 sent)
{
  DeyeBusOutCount count = { 0, 0 };

  for (guint i = own_frames_n_sent (own, sent); i < own_frames_length (own); i++)
    {
      count.messages++;
      count.unwatched += own_frame_at (own, i)->id & 1;
    }
  return count;
}

gboolean
deye_bus_own_frames_take_next (DeyeBusOwnFrames *own, guint64 id, guint64 sent)
{
  while (own->next < own_frames_length (own) && own_frame_at (own, own->next)->begin < sent)
    own->next++;
  if (own->next == own_frames_length (own) || own_frame_at (own, own->next)->id != id)
    return FALSE;
  own->next++;
  return TRUE;
}

/* --- credit --- */

static guint
own_credit_length (const DeyeBusOwnCredit *own)
{
  return own->runs != NULL ? own->runs->len : 0;
}

/* The newest run of the class. NULL: there is none. */
static DeyeBusOwnRun *
own_credit_newest (const DeyeBusOwnCredit *own, WireClass credit_class)
{
  for (guint i = own_credit_length (own); i > 0; i--)
    {
      DeyeBusOwnRun *run = &g_array_index (own->runs, DeyeBusOwnRun, i - 1);

      if (run->credit_class == credit_class)
        return run;
    }
  return NULL;
}

void
deye_bus_own_credit_note (DeyeBusOwnCredit *own, WireClass credit_class, guint64 number)
{
  DeyeBusOwnRun *newest = own_credit_newest (own, credit_class);
  const DeyeBusOwnRun run = { .credit_class = credit_class, .first = number, .last = number };

  if (newest != NULL && newest->last + 1 == number)
    {
      newest->last = number;
      return;
    }
  if (own->runs == NULL)
    own->runs = g_array_new (FALSE, FALSE, sizeof (DeyeBusOwnRun));
  if (own->runs->len == DEYE_BUS_OWN_RUNS_MAX)
    g_array_remove_index (own->runs, 0);
  g_array_append_val (own->runs, run);
}

void
deye_bus_own_credit_clear (DeyeBusOwnCredit *own)
{
  g_clear_pointer (&own->runs, g_array_unref);
}

guint64
deye_bus_own_credit_count (const DeyeBusOwnCredit *own, WireClass credit_class, guint64 returned)
{
  guint64 n = 0;

  for (guint i = 0; i < own_credit_length (own); i++)
    {
      const DeyeBusOwnRun *run = &g_array_index (own->runs, DeyeBusOwnRun, i);

      if (run->credit_class == credit_class && run->last > returned)
        n += run->last - MAX (run->first - 1, returned);
    }
  return n;
}
