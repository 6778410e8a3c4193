/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-note.h"

static void
note_escape (char *out, gsize size, const char *text)
{
  g_autofree char *escaped = g_strescape (text != NULL ? text : "", NULL);

  g_strlcpy (out, escaped, size);
}

gboolean
bus_note_cap_admit (BusNoteCap *cap, guint most, gint64 now_us)
{
  if (cap->n == 0 || now_us - cap->since_us >= G_TIME_SPAN_SECOND)
    {
      cap->since_us = now_us;
      cap->n = 0;
    }
  if (cap->n < most)
    {
      cap->n++;
      return TRUE;
    }
  cap->suppressed++;
  return FALSE;
}

BusNoteCap *
bus_note_account_cap (BusNoteRing *ring, guint32 account, gint64 now_us)
{
  gint64 used_us = MAX (now_us, 1); /* 0 marks a free place */
  BusNoteAccount *oldest = &ring->accounts[0];

  for (guint i = 0; i < BUS_NOTE_ACCOUNTS; i++)
    {
      BusNoteAccount *place = &ring->accounts[i];

      if (place->used_us != 0 && place->account == account)
        {
          place->used_us = used_us;
          return &place->cap;
        }
      if (place->used_us < oldest->used_us)
        oldest = place;
    }
  ring->missed += oldest->cap.suppressed;
  *oldest = (BusNoteAccount){ .account = account, .used_us = used_us };
  return &oldest->cap;
}

BusNote *
bus_note_add (BusNoteRing *ring,
              BusNoteKind kind,
              WireStatus status,
              const BusCredentials *who,
              const char *id,
              const char *detail)
{
  BusNote *note;

  if (ring->records.length >= BUS_NOTES_MAX)
    {
      g_free (g_queue_pop_head (&ring->records));
      ring->missed++;
    }
  note = g_new0 (BusNote, 1);
  note->kind = kind;
  note->status = status;
  note->account = who->account;
  note->pid = who->pid;
  note_escape (note->id, sizeof note->id, id);
  note_escape (note->detail, sizeof note->detail, detail);
  g_queue_push_tail (&ring->records, note);
  return note;
}

void
bus_note_set_topic (BusNote *note, WireSpan topic)
{
  g_autofree char *text = g_strndup ((const char *) topic.data, topic.len);

  note_escape (note->topic, sizeof note->topic, text);
}

gboolean
bus_note_take (BusNoteRing *ring, BusNote *note, guint64 *missed)
{
  g_autofree BusNote *oldest = g_queue_pop_head (&ring->records);

  if (missed != NULL)
    *missed = ring->missed;
  if (oldest == NULL)
    return FALSE;
  ring->missed = 0;
  *note = *oldest;
  return TRUE;
}

void
bus_note_ring_clear (BusNoteRing *ring)
{
  g_queue_clear_full (&ring->records, g_free);
}
