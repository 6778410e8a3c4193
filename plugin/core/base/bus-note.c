/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-note.h"

static void
note_escape (char *out, gsize size, const char *text)
{
  g_autofree char *escaped = g_strescape (text != NULL ? text : "", NULL);

  g_strlcpy (out, escaped, size);
}

void
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
}

gboolean
bus_note_take (BusNoteRing *ring, BusNote *note, guint *missed)
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
