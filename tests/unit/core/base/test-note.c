/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-note.h"

#include <string.h>

/* Log records: bounded, in order, and safe to print although peers choose texts in them. */

static const BusCredentials who = { .account = 1000, .pid = 4321 };

static void
test_order (void)
{
  BusNoteRing ring = { 0 };
  BusNote note;
  guint64 missed = 9;

  bus_note_add (&ring, BUS_NOTE_CONNECTED, WIRE_STATUS_OK, &who, "first", "1.0");
  bus_note_add (&ring, BUS_NOTE_GONE, WIRE_STATUS_ABSENT, &who, NULL, NULL);

  g_assert_true (bus_note_take (&ring, &note, &missed));
  g_assert_cmpint (note.kind, ==, BUS_NOTE_CONNECTED);
  g_assert_cmpuint (note.status, ==, WIRE_STATUS_OK);
  g_assert_cmpuint (note.account, ==, 1000);
  g_assert_cmpuint (note.pid, ==, 4321);
  g_assert_cmpstr (note.id, ==, "first");
  g_assert_cmpstr (note.detail, ==, "1.0");
  g_assert_cmpuint (missed, ==, 0);

  g_assert_true (bus_note_take (&ring, &note, NULL));
  g_assert_cmpint (note.kind, ==, BUS_NOTE_GONE);
  g_assert_cmpuint (note.status, ==, WIRE_STATUS_ABSENT);
  g_assert_cmpstr (note.id, ==, "");
  g_assert_cmpstr (note.detail, ==, "");

  g_assert_false (bus_note_take (&ring, &note, &missed));
  g_assert_cmpuint (missed, ==, 0);
  bus_note_ring_clear (&ring);
}

/* A full ring drops its oldest record and counts it, once. */
static void
test_bound (void)
{
  BusNoteRing ring = { 0 };
  BusNote note;
  guint64 missed;

  for (guint i = 0; i < BUS_NOTES_MAX + 44; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      bus_note_add (&ring, BUS_NOTE_DENIED, WIRE_STATUS_DENIED, &who, "peer", text);
      g_assert_cmpuint (ring.records.length, <=, BUS_NOTES_MAX);
    }
  g_assert_cmpuint (ring.records.length, ==, BUS_NOTES_MAX);
  g_assert_true (bus_note_take (&ring, &note, &missed));
  g_assert_cmpuint (missed, ==, 44);
  g_assert_cmpstr (note.detail, ==, "44");
  for (guint i = 45; i < BUS_NOTES_MAX + 44; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      g_assert_true (bus_note_take (&ring, &note, &missed));
      g_assert_cmpuint (missed, ==, 0);
      g_assert_cmpstr (note.detail, ==, text);
    }
  g_assert_false (bus_note_take (&ring, &note, &missed));
}

/* An id or a text with line ends, terminal escapes, quotes or bytes that are not UTF-8 stays one printable line. */
static void
test_escaped (void)
{
  static const char hostile[] = "a\nb\r\t\x1b[31m\"\\\x7f\xff\xc3\xa9";
  BusNoteRing ring = { 0 };
  BusNote note;

  bus_note_add (&ring, BUS_NOTE_REFUSED, WIRE_STATUS_BAD_MESSAGE, &who, hostile, hostile);
  g_assert_true (bus_note_take (&ring, &note, NULL));
  g_assert_cmpstr (note.id, ==, note.detail);
  g_assert_cmpstr (note.id, ==, "a\\nb\\r\\t\\033[31m\\\"\\\\\\177\\377\\303\\251");
  for (const char *c = note.id; *c != '\0'; c++)
    g_assert_true (g_ascii_isprint (*c));
}

/* Text is cut to the record's field after it was escaped, since escaping makes it longer. */
static void
test_cut (void)
{
  g_autofree char *text = g_strnfill (1000, '\n');
  BusNoteRing ring = { 0 };
  BusNote note;

  bus_note_add (&ring, BUS_NOTE_CLOSED, WIRE_STATUS_TIMEOUT, &who, text, text);
  memset (&note, 'x', sizeof note);
  g_assert_true (bus_note_take (&ring, &note, NULL));
  g_assert_cmpuint (strlen (note.id), ==, sizeof note.id - 1);
  g_assert_cmpuint (strlen (note.detail), ==, sizeof note.detail - 1);
  g_assert_true (g_str_has_prefix (note.detail, "\\n\\n\\n"));
}

/* A record does not refer to the peer: it is unchanged when the peer's text changes. */
static void
test_copies (void)
{
  BusNoteRing ring = { 0 };
  char id[] = "before";
  BusNote note;

  bus_note_add (&ring, BUS_NOTE_CLOSED, WIRE_STATUS_OK, &who, id, id);
  strcpy (id, "later!");
  g_assert_true (bus_note_take (&ring, &note, NULL));
  g_assert_cmpstr (note.id, ==, "before");
  g_assert_cmpstr (note.detail, ==, "before");
}

static void
test_cap (void)
{
  BusNoteCap cap = { 0 };

  for (guint i = 0; i < 100; i++)
    g_assert_true (bus_note_cap_admit (&cap, 3, 1000 + i / 50) == (i < 3));
  g_assert_cmpuint (cap.suppressed, ==, 97);
  g_assert_false (bus_note_cap_admit (&cap, 3, 1000 + G_TIME_SPAN_SECOND - 1));
  for (guint i = 0; i < 4; i++)
    g_assert_true (bus_note_cap_admit (&cap, 3, 1000 + G_TIME_SPAN_SECOND + i) == (i < 3));
  g_assert_cmpuint (cap.suppressed, ==, 99); /* the next record takes over the number */
}

/* Only a few accounts have a cap at a time. A new account replaces the least recently used one, whose count of suppressed
 * records is not lost. */
static void
test_account_caps (void)
{
  BusNoteRing ring = { 0 };
  BusNoteCap *first = bus_note_account_cap (&ring, 1, 0);
  guint64 missed;
  BusNote note;

  g_assert_true (bus_note_cap_admit (first, 1, 0));
  for (guint i = 0; i < 5; i++)
    g_assert_false (bus_note_cap_admit (first, 1, 0));
  for (guint32 account = 2; account <= BUS_NOTE_ACCOUNTS; account++)
    g_assert_cmpuint (bus_note_account_cap (&ring, account, account)->n, ==, 0);
  g_assert_true (bus_note_account_cap (&ring, 1, 100) == first);
  g_assert_cmpuint (first->suppressed, ==, 5);
  bus_note_account_cap (&ring, 1000, 101); /* the cap of account 2 is replaced */
  g_assert_true (bus_note_account_cap (&ring, 1, 102) == first);
  g_assert_cmpuint (ring.missed, ==, 0);
  for (guint32 account = 2000; account < 2000 + BUS_NOTE_ACCOUNTS; account++)
    bus_note_account_cap (&ring, account, 200);
  g_assert_cmpuint (ring.missed, ==, 5);
  bus_note_add (&ring, BUS_NOTE_GONE, WIRE_STATUS_OK, &who, NULL, NULL);
  g_assert_true (bus_note_take (&ring, &note, &missed));
  g_assert_cmpuint (missed, ==, 5);
}

/* A topic is escaped and cut as well; a topic of the maximum valid length is not cut. */
static void
test_topic (void)
{
  g_autofree char *longest = g_strnfill (512, 'a');
  g_autofree char *hostile = g_strnfill (512, '\n');
  BusNoteRing ring = { 0 };
  BusNote note;

  bus_note_set_topic (bus_note_add (&ring, BUS_NOTE_DENIED, WIRE_STATUS_DENIED, &who, NULL, NULL),
                      wire_span_str (longest));
  bus_note_set_topic (bus_note_add (&ring, BUS_NOTE_DENIED, WIRE_STATUS_DENIED, &who, NULL, NULL),
                      wire_span_str (hostile));
  bus_note_set_topic (bus_note_add (&ring, BUS_NOTE_DENIED, WIRE_STATUS_DENIED, &who, NULL, NULL), wire_span (NULL, 0));
  g_assert_true (bus_note_take (&ring, &note, NULL));
  g_assert_cmpstr (note.topic, ==, longest);
  g_assert_true (bus_note_take (&ring, &note, NULL));
  g_assert_true (g_str_has_prefix (note.topic, "\\n\\n"));
  g_assert_cmpuint (strlen (note.topic), ==, sizeof note.topic - 1);
  g_assert_true (bus_note_take (&ring, &note, NULL));
  g_assert_cmpstr (note.topic, ==, "");
}

static void
test_clear (void)
{
  BusNoteRing ring = { 0 };
  BusNote note;

  for (guint i = 0; i < 3; i++)
    bus_note_add (&ring, BUS_NOTE_CLOSED, WIRE_STATUS_OK, &who, NULL, NULL);
  bus_note_ring_clear (&ring);
  g_assert_cmpuint (ring.records.length, ==, 0);
  g_assert_false (bus_note_take (&ring, &note, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/note/order", test_order);
  g_test_add_func ("/core/note/W04-bound", test_bound);
  g_test_add_func ("/core/note/A15-escaped", test_escaped);
  g_test_add_func ("/core/note/A15-cut", test_cut);
  g_test_add_func ("/core/note/copies", test_copies);
  g_test_add_func ("/core/note/W04-cap", test_cap);
  g_test_add_func ("/core/note/W04-account-caps", test_account_caps);
  g_test_add_func ("/core/note/A15-topic", test_topic);
  g_test_add_func ("/core/note/clear", test_clear);
  return g_test_run ();
}
