/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-guard-apart.h"

#include "wire-guard-private.h"
#include "wire-varint.h"

/* A field in the packed bytes. */
typedef struct
{
  const guint8 *key;
  const guint8 *len;   /* of a length-delimited field: its length */
  const guint8 *value; /* of a length-delimited field: the bytes after the length */
  const guint8 *end;
} ApartField;

/* The fields that lead to the payload, from the outermost on; the last one is the payload. */
typedef struct
{
  ApartField fields[WIRE_GUARD_DEPTH_MAX];
  guint n;
} ApartPlace;

static gboolean
apart_read_field (const guint8 *at, const guint8 *end, guint64 *key, ApartField *field)
{
  guint64 len = 0;

  field->key = at;
  field->len = field->value = wire_varint_read (at, end, key);
  if (field->len == NULL)
    return FALSE;
  switch (*key & 7)
    {
    case WIRE_TYPE_VARINT:
      field->value = wire_varint_read (field->len, end, &len);
      len = 0;
      break;
    case WIRE_TYPE_LENGTH:
      field->value = wire_varint_read (field->len, end, &len);
      break;
    case WIRE_TYPE_64:
      len = 8;
      break;
    case WIRE_TYPE_32:
      len = 4;
      break;
    default:
      return FALSE;
    }
  if (field->value == NULL || len > (guint64) (end - field->value))
    return FALSE;
  field->end = field->value + len;
  return TRUE;
}

/* Finds a length-delimited field. The scan has checked that it occurs only once. */
static gboolean
apart_find_field (const guint8 *at, const guint8 *end, guint number, ApartField *field)
{
  guint64 key;

  for (; at < end && apart_read_field (at, end, &key, field); at = field->end)
    if (key == ((guint64) number << 3 | WIRE_TYPE_LENGTH))
      return TRUE;
  return FALSE;
}

/* FALSE: there is no payload, or it is small. */
static gboolean
apart_find (WireSpan bytes, const guint *path, ApartPlace *place)
{
  const guint8 *at = bytes.data;
  const guint8 *end = wire_span_end (bytes);

  for (place->n = 0; path[place->n] != 0; place->n++)
    {
      ApartField *field = &place->fields[place->n];

      g_assert (place->n < WIRE_GUARD_DEPTH_MAX);
      if (!apart_find_field (at, end, path[place->n], field))
        return FALSE;
      at = field->value;
      end = field->end;
    }
  return (gsize) (end - at) >= WIRE_GUARD_APART_MIN;
}

/* Calculates the lengths of the enclosing messages without the payload. */
static void
apart_shorten (const ApartPlace *place, guint64 *lens)
{
  const ApartField *payload = &place->fields[place->n - 1];
  gsize removed = (gsize) (payload->end - payload->key);

  for (guint i = place->n - 1; i-- > 0;)
    {
      const ApartField *field = &place->fields[i];

      lens[i] = (guint64) (field->end - field->value) - removed;
      removed += (gsize) (field->value - field->len) - wire_varint_size (lens[i]);
    }
}

static guint8 *
apart_copy (guint8 *to, const guint8 *from, const guint8 *end)
{
  if (end > from)
    memcpy (to, from, (gsize) (end - from));
  return to + (end - from);
}

/* Returns @bytes without the field of the payload. No length gets longer by that. NULL: no memory. */
static guint8 *
apart_remove (WireSpan bytes, const ApartPlace *place, gsize *len)
{
  const ApartField *payload = &place->fields[place->n - 1];
  const guint8 *from = bytes.data;
  guint64 lens[WIRE_GUARD_DEPTH_MAX];
  guint8 *rest = g_try_malloc (bytes.len - (gsize) (payload->end - payload->key) + 1);
  guint8 *to = rest;

  if (rest == NULL)
    return NULL;
  apart_shorten (place, lens);
  for (guint i = 0; i + 1 < place->n; i++)
    {
      to = wire_varint_put (apart_copy (to, from, place->fields[i].len), lens[i]);
      from = place->fields[i].value;
    }
  to = apart_copy (to, from, payload->key);
  to = apart_copy (to, payload->end, wire_span_end (bytes));
  *len = (gsize) (to - rest);
  return rest;
}

/* Unpacks the rest with the memory that the whole message could use besides its payload. */
static WireGuard *
apart_build (const ProtobufCMessageDescriptor *type,
             WireSpan bytes,
             const ApartPlace *place,
             WireSpan *payload,
             WireGuardError *result)
{
  const ApartField *field = &place->fields[place->n - 1];
  gsize payload_len = (gsize) (field->end - field->value);
  gsize len = 0;
  g_autofree guint8 *rest = apart_remove (bytes, place, &len);
  WireGuard *guard;

  if (rest == NULL)
    {
      *result = (WireGuardError){ WIRE_STATUS_NO_MEMORY, 0, "out of memory" };
      return NULL;
    }
  guard = wire_guard_build (type, wire_span (rest, len), wire_guard_budget (bytes.len) - payload_len, 0, result);
  if (guard != NULL)
    *payload = wire_span (field->value, payload_len);
  return guard;
}

static WireGuard *
apart_unpack (const ProtobufCMessageDescriptor *type,
              WireSpan bytes,
              const guint *path,
              WireSpan *payload,
              WireGuardError *error)
{
  WireGuardError result = wire_guard_scan (type, bytes, 0, FALSE);
  WireGuard *guard = NULL;
  ApartPlace place;

  if (result.status == WIRE_STATUS_OK)
    guard = apart_find (bytes, path, &place)
                ? apart_build (type, bytes, &place, payload, &result)
                : wire_guard_build (type, bytes, wire_guard_budget (bytes.len), 0, &result);
  if (error != NULL)
    *error = result;
  return guard;
}

WireGuard *
wire_guard_unpack_apart (const ProtobufCMessageDescriptor *type,
                         WireSpan bytes,
                         const guint *path,
                         WireSpan *payload,
                         WireGuardError *error)
{
  *payload = wire_span (NULL, 0);
  if (bytes.len < WIRE_GUARD_APART_MIN)
    return wire_guard_unpack (type, bytes, 0, error);
  return apart_unpack (type, bytes, path, payload, error);
}
