/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-layout.h"
#include "proc-message.h"

#include <string.h>

/* Messages of the process connector: recorded ones, ones that the test makes, and bytes that are not messages. */

#define MESSAGE_BYTES 76u

/* --- recorded ones --- */

typedef struct
{
  const char *name;
  ProcMessage want; /* all fields except the time */
} Recorded;

static const Recorded recorded[] = {
  { "confirmation", { .kind = PROC_MESSAGE_NONE, .token = 0x12345678 } },
  { "fork", { .kind = PROC_MESSAGE_FORK, .pid = 16430, .process = 16430, .parent = 16375 } },
  { "exec", { .kind = PROC_MESSAGE_EXEC, .pid = 16430, .process = 16430 } },
  { "fork-of-thread", { .kind = PROC_MESSAGE_FORK, .pid = 16442, .process = 16430, .parent = 16375 } },
  { "exit-of-thread", { .kind = PROC_MESSAGE_EXIT, .pid = 16442, .process = 16430 } },
  { "comm", { .kind = PROC_MESSAGE_COMM, .pid = 16430, .process = 16430 } },
  { "exit", { .kind = PROC_MESSAGE_EXIT, .pid = 16430, .process = 16430, .status = 7 << 8 } },
  { "exit-by-signal", { .kind = PROC_MESSAGE_EXIT, .pid = 16431, .process = 16431, .status = 9 } },
};

/* The bytes of a line. */
static GByteArray *
parse_line (const char *line)
{
  GByteArray *bytes = g_byte_array_new ();
  const char *at = strchr (line, ' ') + 1;

  for (; g_ascii_isxdigit (at[0]) && g_ascii_isxdigit (at[1]); at += 2)
    {
      guint8 byte = (guint8) (g_ascii_xdigit_value (at[0]) << 4 | g_ascii_xdigit_value (at[1]));

      g_byte_array_append (bytes, &byte, 1);
    }
  return bytes;
}

static void
assert_message (const ProcMessage *got, const ProcMessage *want)
{
  g_assert_cmpint (got->kind, ==, want->kind);
  g_assert_cmpuint (got->pid, ==, want->pid);
  g_assert_cmpuint (got->process, ==, want->process);
  g_assert_cmpuint (got->parent, ==, want->parent);
  g_assert_cmpuint (got->status, ==, want->status);
  g_assert_cmpuint (got->token, ==, want->token);
  g_assert_cmpuint (got->error, ==, want->error);
}

/* All recorded messages, in one datagram. */
static void
test_recorded (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("TEST_DATA"), "proc-connector.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GByteArray) all = g_byte_array_new ();
  ProcMessage message;
  guint64 time_ns = 0;
  gsize at = 0;
  guint n = 0;

  if (G_BYTE_ORDER != G_LITTLE_ENDIAN)
    {
      g_test_skip ("they were recorded on a little-endian machine");
      return;
    }
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '#' && *lines[i] != '\0')
      {
        g_autoptr (GByteArray) bytes = parse_line (lines[i]);

        g_assert_true (g_str_has_prefix (lines[i], recorded[n++].name));
        g_assert_cmpuint (bytes->len, ==, MESSAGE_BYTES);
        g_byte_array_append (all, bytes->data, bytes->len);
      }
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (recorded));
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpint (proc_messages_next (all->data, all->len, &at, &message), ==, PROC_MESSAGES_ONE);
      assert_message (&message, &recorded[i].want);
      g_assert_cmpuint (message.time_ns, >, time_ns);
      time_ns = message.time_ns;
    }
  g_assert_cmpint (proc_messages_next (all->data, all->len, &at, &message), ==, PROC_MESSAGES_END);
}

/* --- made ones --- */

/* Offsets of the numbers of a message. */
enum
{
  AT_LEN = 0,
  AT_TYPE = 4,
  AT_INDEX = 16,
  AT_VALUE = 20,
  AT_ACK = 28,
  AT_EVENT_LEN = 32,
  AT_WHAT = 36,
  AT_TIME = 44,
  AT_DATA = 52,
};

static void
set_u32 (guint8 *bytes, gsize at, guint32 number)
{
  memcpy (bytes + at, &number, sizeof number);
}

static void
set_u16 (guint8 *bytes, gsize at, guint16 number)
{
  memcpy (bytes + at, &number, sizeof number);
}

/* A complete message about the process 7 with the parent 3; its first thread. */
static void
make (guint8 bytes[MESSAGE_BYTES], guint32 what)
{
  const guint64 time_ns = 1234567890123;

  memset (bytes, 0, MESSAGE_BYTES);
  set_u32 (bytes, AT_LEN, MESSAGE_BYTES);
  set_u16 (bytes, AT_TYPE, PROC_LAYOUT_TYPE_DONE);
  set_u32 (bytes, AT_INDEX, PROC_LAYOUT_INDEX);
  set_u32 (bytes, AT_VALUE, PROC_LAYOUT_VALUE);
  set_u16 (bytes, AT_EVENT_LEN, 40);
  set_u32 (bytes, AT_WHAT, what);
  memcpy (bytes + AT_TIME, &time_ns, sizeof time_ns);
  for (guint i = 0; i < 4; i++)
    set_u32 (bytes, AT_DATA + 4 * i, what == PROC_LAYOUT_EVENT_FORK && i < 2 ? 3 : 7);
}

static void
test_made (void)
{
  const guint32 whats[]
      = { PROC_LAYOUT_EVENT_FORK, PROC_LAYOUT_EVENT_EXEC, PROC_LAYOUT_EVENT_COMM, PROC_LAYOUT_EVENT_EXIT };
  const ProcMessage wants[] = {
    { .kind = PROC_MESSAGE_FORK, .pid = 7, .process = 7, .parent = 3 },
    { .kind = PROC_MESSAGE_EXEC, .pid = 7, .process = 7 },
    { .kind = PROC_MESSAGE_COMM, .pid = 7, .process = 7 },
    { .kind = PROC_MESSAGE_EXIT, .pid = 7, .process = 7, .status = 7 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (whats); i++)
    {
      guint8 bytes[MESSAGE_BYTES];
      ProcMessage message;
      gsize at = 0;

      make (bytes, whats[i]);
      g_assert_cmpint (proc_messages_next (bytes, sizeof bytes, &at, &message), ==, PROC_MESSAGES_ONE);
      assert_message (&message, &wants[i]);
      g_assert_cmpuint (message.time_ns, ==, 1234567890123);
      g_assert_cmpuint (at, ==, sizeof bytes);
    }
}

static void
test_confirmation (void)
{
  guint8 bytes[MESSAGE_BYTES];
  ProcMessage message;
  gsize at = 0;

  make (bytes, PROC_LAYOUT_EVENT_NONE);
  set_u32 (bytes, AT_ACK, 0);
  set_u32 (bytes, AT_DATA, 1);
  g_assert_cmpint (proc_messages_next (bytes, sizeof bytes, &at, &message), ==, PROC_MESSAGES_ONE);
  assert_message (&message, &(const ProcMessage){ .kind = PROC_MESSAGE_NONE, .token = G_MAXUINT32, .error = 1 });
}

/* The request has the layout that the kernel expects, with the operation at the place of the event. */
static void
test_request (void)
{
  guint8 request[PROC_REQUEST_BYTES];
  guint8 want[MESSAGE_BYTES];

  make (want, PROC_LAYOUT_LISTEN);
  set_u32 (want, AT_LEN, PROC_REQUEST_BYTES);
  set_u32 (want, AT_ACK, 0xabcdef01);
  set_u16 (want, AT_EVENT_LEN, 4);
  proc_messages_write_request (request, 0xabcdef01);
  g_assert_cmpmem (request, sizeof request, want, sizeof request);
}

/* --- messages of other senders, and bytes that are not messages --- */

typedef struct
{
  const char *name;
  gsize at;
  gsize bytes; /* length of the number: 2 or 4 */
  guint32 number;
  ProcMessagesResult want; /* for a message that is changed there, and a good one after it */
} Changed;

static const Changed changes[] = {
  { "kind of netlink message", AT_TYPE, 2, 2, PROC_MESSAGES_ONE },
  { "other connector", AT_INDEX, 4, 2, PROC_MESSAGES_ONE },
  { "other value", AT_VALUE, 4, 2, PROC_MESSAGES_ONE },
  { "unknown event", AT_WHAT, 4, 0x40000000, PROC_MESSAGES_ONE },
  { "event without data", AT_EVENT_LEN, 2, 16, PROC_MESSAGES_ONE },
  { "event with half of its data", AT_EVENT_LEN, 2, 31, PROC_MESSAGES_ONE },
  { "event of no bytes", AT_EVENT_LEN, 2, 0, PROC_MESSAGES_ONE },
  { "message without event", AT_LEN, 4, 16, PROC_MESSAGES_MALFORMED }, /* the following bytes are not a header */
  { "length 0", AT_LEN, 4, 0, PROC_MESSAGES_MALFORMED },
  { "length of half a header", AT_LEN, 4, 15, PROC_MESSAGES_MALFORMED },
  { "length beyond the datagram", AT_LEN, 4, 2 * MESSAGE_BYTES + 1, PROC_MESSAGES_MALFORMED },
  { "huge length", AT_LEN, 4, G_MAXUINT32, PROC_MESSAGES_MALFORMED },
  { "length that overflows when it is rounded", AT_LEN, 4, G_MAXUINT32 - 2, PROC_MESSAGES_MALFORMED },
};

static void
test_changed (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      const Changed *change = &changes[i];
      guint8 bytes[2 * MESSAGE_BYTES];
      ProcMessage message;
      gsize at = 0;

      g_test_message ("%s", change->name);
      make (bytes, PROC_LAYOUT_EVENT_FORK);
      make (bytes + MESSAGE_BYTES, PROC_LAYOUT_EVENT_EXEC);
      if (change->bytes == 2)
        set_u16 (bytes, change->at, (guint16) change->number);
      else
        set_u32 (bytes, change->at, change->number);
      g_assert_cmpint (proc_messages_next (bytes, sizeof bytes, &at, &message), ==, change->want);
      if (change->want == PROC_MESSAGES_ONE)
        g_assert_cmpint (message.kind, ==, PROC_MESSAGE_EXEC);
      g_assert_cmpint (proc_messages_next (bytes, sizeof bytes, &at, &message), ==, PROC_MESSAGES_END);
    }
}

/* If an event is longer than the version that this program knows, the known part is read. */
static void
test_longer (void)
{
  guint8 bytes[MESSAGE_BYTES + 8] = { 0 };
  ProcMessage message;
  gsize at = 0;

  make (bytes, PROC_LAYOUT_EVENT_FORK);
  set_u32 (bytes, AT_LEN, sizeof bytes - 3); /* rounded up to the end */
  set_u16 (bytes, AT_EVENT_LEN, 45);
  g_assert_cmpint (proc_messages_next (bytes, sizeof bytes, &at, &message), ==, PROC_MESSAGES_ONE);
  g_assert_cmpint (message.kind, ==, PROC_MESSAGE_FORK);
  g_assert_cmpuint (at, ==, sizeof bytes);
}

/* Each length of a datagram, in a block of exactly that size. */
static void
test_truncated (void)
{
  guint8 bytes[MESSAGE_BYTES];

  make (bytes, PROC_LAYOUT_EVENT_FORK);
  for (gsize len = 0; len < sizeof bytes; len++)
    {
      g_autofree guint8 *part = g_memdup2 (bytes, len);
      ProcMessagesResult result;
      ProcMessage message;
      gsize at = 0;

      result = proc_messages_next (part, len, &at, &message);
      g_assert_cmpint (result, ==, len == 0 ? PROC_MESSAGES_END : PROC_MESSAGES_MALFORMED);
      g_assert_cmpuint (at, ==, len);
      if (len < PROC_LAYOUT_HEADER_BYTES)
        continue;
      set_u32 (part, AT_LEN, (guint32) len); /* a message that is complete, and too short for its event */
      at = 0;
      result = proc_messages_next (part, len, &at, &message);
      g_assert_cmpint (result, ==, len < AT_DATA + 16 ? PROC_MESSAGES_END : PROC_MESSAGES_ONE);
    }
}

/* Random bytes, and valid messages with some wrong bytes: every call makes progress, and the number of messages is bounded. */
static void
test_random (void)
{
  for (guint round = 0; round < 200000; round++)
    {
      gsize len = (gsize) g_test_rand_int_range (0, 4 * (gint32) MESSAGE_BYTES);
      g_autofree guint8 *bytes = g_malloc (MAX (len, 1));
      ProcMessage message = { 0 };
      gsize at = 0, before = 0;

      for (gsize i = 0; i < len; i++)
        bytes[i] = (guint8) g_test_rand_int_range (0, 256);
      for (gsize i = 0; round % 4 != 0 && i + MESSAGE_BYTES <= len; i += MESSAGE_BYTES)
        make (bytes + i, 1u << g_test_rand_int_range (0, 32));
      for (guint i = 0; round % 4 > 1 && len > 0 && i < 3; i++)
        bytes[g_test_rand_int_range (0, (gint32) len)] = (guint8) g_test_rand_int_range (0, 256);
      while (proc_messages_next (bytes, len, &at, &message) != PROC_MESSAGES_END)
        {
          g_assert_cmpuint (at, <=, len);
          g_assert_true (at == len || at - before >= PROC_LAYOUT_HEADER_BYTES);
          g_assert_cmpint (message.kind, <=, PROC_MESSAGE_EXIT);
          before = at;
        }
      g_assert_cmpuint (at, ==, len);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/procmond/message/recorded", test_recorded);
  g_test_add_func ("/procmond/message/made", test_made);
  g_test_add_func ("/procmond/message/confirmation", test_confirmation);
  g_test_add_func ("/procmond/message/request", test_request);
  g_test_add_func ("/procmond/message/changed", test_changed);
  g_test_add_func ("/procmond/message/longer", test_longer);
  g_test_add_func ("/procmond/message/truncated", test_truncated);
  g_test_add_func ("/procmond/message/random", test_random);
  return g_test_run ();
}
