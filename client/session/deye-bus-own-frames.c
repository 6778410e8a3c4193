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
