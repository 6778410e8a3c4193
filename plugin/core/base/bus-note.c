/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-state.h"

/*
 * Notes: what an operator's log should say, as plain structs that the caller takes out. The core itself logs nothing.
 * Text that a peer chose is escaped and cut here, so that a log line can't be forged.
 */

static void
escape (char *out, gsize size, const char *text)
{
  g_autofree char *escaped = g_strescape (text != NULL ? text : "", NULL);

  g_strlcpy (out, escaped, size);
}

void
bus_note (BusCore *core, const BusPeer *peer, BusNoteKind kind, WireStatus status, const char *detail)
{
  BusNote *note;

  if (core->notes.length >= BUS_NOTES_MAX)
    {
      g_free (g_queue_pop_head (&core->notes));
      core->notes_missed++;
    }
  note = g_new0 (BusNote, 1);
  note->kind = kind;
  note->status = status;
  note->uid = peer->who.uid;
  note->pid = peer->who.pid;
  escape (note->id, sizeof note->id, peer->id);
  escape (note->detail, sizeof note->detail, detail);
  g_queue_push_tail (&core->notes, note);
}

gboolean
bus_core_next_note (BusCore *core, BusNote *note, guint *missed)
{
  g_autofree BusNote *first = g_queue_pop_head (&core->notes);

  if (missed != NULL)
    *missed = core->notes_missed;
  if (first == NULL)
    return FALSE;
  core->notes_missed = 0;
  *note = *first;
  return TRUE;
}
