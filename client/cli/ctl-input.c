/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-input.h"

#include "ctl-console.h"
#include "ctl-error.h"

#include <glib/gi18n.h>
#include <string.h>

#define BLOCK_BYTES      65536u
#define LENGTH_BYTES_MAX 5u /* the longest varint of 32 bits */

struct CtlInput
{
  char *name; /* for errors, translated */
  GInputStream *stream;
  gboolean endless; /* the input may have more than CTL_INPUT_MAX bytes, in values of at most that size */
  gboolean ended;   /* the end of the input was read */
  GByteArray *held; /* bytes that were read; those from @start on were not returned yet */
  guint start;
  gsize total; /* bytes read */
  CtlFraming framing;
  /* State of the scan for the end of a value: its position in @held, and the syntax before that position. */
  guint scanned; /* after @start */
  guint depth;
  gboolean in_string, escaped;
};

/* g_file_read() reports an error for a directory, which open() would not. */
static GInputStream *
input_open_stream (const char *argument, GError **error)
{
  g_autoptr (GFile) file = NULL;

  if (g_str_equal (argument, "-"))
    return ctl_console_input_new ();
  if (*argument != '@')
    return g_memory_input_stream_new_from_data (g_strdup (argument), (gssize) strlen (argument), g_free);
  file = g_file_new_for_path (argument + 1);
  return G_INPUT_STREAM (g_file_read (file, NULL, error));
}

static char *
input_name_of (const char *argument)
{
  if (g_str_equal (argument, "-"))
    return g_strdup (_ ("Standard input"));
  return g_strdup (*argument == '@' ? argument + 1 : _ ("The payload"));
}

CtlInput *
ctl_input_open (const char *argument, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *name = input_name_of (argument);
  GInputStream *stream = input_open_stream (argument, &local);
  CtlInput *input;

  if (stream == NULL)
    {
      ctl_fail (error, CTL_EXIT_FAILED, _ ("%s can't be read: %s"), name, local->message);
      return NULL;
    }
  input = g_new0 (CtlInput, 1);
  input->name = g_steal_pointer (&name);
  input->stream = stream;
  input->endless = g_str_equal (argument, "-");
  input->held = g_byte_array_new ();
  return input;
}

void
ctl_input_free (CtlInput *input)
{
  g_object_unref (input->stream);
  g_byte_array_unref (input->held);
  g_free (input->name);
  g_free (input);
}

static gboolean
input_is_too_large (const CtlInput *input)
{
  return input->held->len > CTL_INPUT_MAX || (!input->endless && input->total > CTL_INPUT_MAX);
}

/* Appends the bytes that can be read now. FALSE: reading failed, or there are too many bytes. */
static gboolean
input_read_more (CtlInput *input, GError **error)
{
  g_autoptr (GError) local = NULL;
  guint8 block[BLOCK_BYTES];
  gssize n = g_input_stream_read (input->stream, block, sizeof block, NULL, &local);

  if (n < 0)
    return ctl_fail (error, CTL_EXIT_FAILED, _ ("%s can't be read: %s"), input->name, local->message);
  input->ended = n == 0;
  input->total += (gsize) n;
  g_byte_array_remove_range (input->held, 0, input->start);
  input->start = 0;
  g_byte_array_append (input->held, block, (guint) n);
  if (input_is_too_large (input))
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("%s: a payload has at most %u bytes: split it"), input->name,
                     CTL_INPUT_MAX);
  return TRUE;
}

GBytes *
ctl_input_read (CtlInput *input, GError **error)
{
  while (!input->ended)
    if (!input_read_more (input, error))
      return NULL;
  return g_byte_array_free_to_bytes (g_byte_array_ref (input->held));
}

/* --- values --- */

static gboolean
input_is_space (guint8 c)
{
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
input_scan_byte (CtlInput *input, guint8 c)
{
  if (input->escaped)
    input->escaped = FALSE;
  else if (input->in_string)
    {
      input->escaped = c == '\\';
      input->in_string = c != '"';
    }
  else if (c == '"')
    input->in_string = TRUE;
  else if (c == '{' || c == '[')
    input->depth++;
  else if ((c == '}' || c == ']') && input->depth > 0)
    input->depth--;
}

/* TRUE: the value before the position of the scan is complete. */
static gboolean
input_scan (CtlInput *input)
{
  for (; input->start + input->scanned < input->held->len; input->scanned++)
    {
      guint8 c = input->held->data[input->start + input->scanned];

      if (input->depth == 0 && !input->in_string && input_is_space (c))
        return TRUE;
      input_scan_byte (input, c);
    }
  return input->ended && input->scanned > 0;
}

static void
input_skip_space (CtlInput *input)
{
  while (input->start < input->held->len && input_is_space (input->held->data[input->start]))
    input->start++;
}

static GBytes *
input_take (CtlInput *input)
{
  GBytes *value = g_bytes_new (input->held->data + input->start, input->scanned);

  input->start += input->scanned;
  input->scanned = input->depth = 0;
  input->in_string = input->escaped = FALSE;
  return value;
}

GBytes *
ctl_input_next_value (CtlInput *input, GError **error)
{
  for (;;)
    {
      if (input->scanned == 0)
        input_skip_space (input);
      if (input_scan (input))
        return input_take (input);
      if (input->ended || !input_read_more (input, error))
        return NULL;
    }
}

/* --- records --- */

void
ctl_input_set_framing (CtlInput *input, CtlFraming framing)
{
  input->framing = framing;
  input->endless = TRUE;
}

static GBytes *
input_take_bytes (CtlInput *input, guint skipped, guint len, guint separator)
{
  GBytes *record = g_bytes_new (input->held->data + input->start + skipped, len);

  input->start += skipped + len + separator;
  input->scanned = 0;
  return record;
}

/* The last record need not have a separator after it. */
static GBytes *
input_take_separated (CtlInput *input, int separator)
{
  guint held = input->held->len - input->start;
  const guint8 *begin, *end;

  if (held == 0)
    return NULL; /* the data of an empty array may be NULL */
  begin = input->held->data + input->start;
  end = memchr (begin + input->scanned, separator, held - input->scanned);
  if (end != NULL)
    return input_take_bytes (input, 0, (guint) (end - begin), 1);
  if (input->ended)
    return input_take_bytes (input, 0, held, 0);
  input->scanned = held;
  return NULL;
}

/* Reads a varint. Returns its length; 0: it is not complete. */
static guint
input_peek_length (const CtlInput *input, guint64 *length)
{
  *length = 0;
  for (guint i = 0; i < LENGTH_BYTES_MAX && input->start + i < input->held->len; i++)
    {
      guint8 byte = input->held->data[input->start + i];

      *length |= (guint64) (byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0)
        return i + 1;
    }
  return 0;
}

static GBytes *
input_take_counted (CtlInput *input, GError **error)
{
  guint held = input->held->len - input->start;
  guint64 length;
  guint n = input_peek_length (input, &length);

  if (length > CTL_INPUT_MAX || (n == 0 && held >= LENGTH_BYTES_MAX))
    ctl_fail (error, CTL_EXIT_USAGE, _ ("%s: a payload has at most %u bytes: split it"), input->name, CTL_INPUT_MAX);
  else if (n > 0 && held - n >= length)
    return input_take_bytes (input, n, (guint) length, 0);
  else if (input->ended && held > 0)
    ctl_fail (error, CTL_EXIT_USAGE, _ ("%s ends in the middle of a payload"), input->name);
  return NULL;
}

GBytes *
ctl_input_take_record (CtlInput *input, GError **error)
{
  switch (input->framing)
    {
    case CTL_FRAMING_NEWLINE:
      return input_take_separated (input, '\n');
    case CTL_FRAMING_NUL:
      return input_take_separated (input, '\0');
    case CTL_FRAMING_LENGTH:
      return input_take_counted (input, error);
    case CTL_FRAMING_NONE:
      break;
    }
  return NULL;
}

gboolean
ctl_input_fill (CtlInput *input, GError **error)
{
  return input_read_more (input, error);
}

gboolean
ctl_input_has_ended (const CtlInput *input)
{
  return input->ended && input->start == input->held->len;
}

GSource *
ctl_input_readable_source (CtlInput *input)
{
  if (!G_IS_POLLABLE_INPUT_STREAM (input->stream)
      || !g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (input->stream)))
    return NULL;
  return g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (input->stream), NULL);
}
