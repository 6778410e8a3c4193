/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-guard.h"

#include "wire-guard-private.h"

#include "wire-block.h"
#include "wire-guard-scan.h"

#include <stddef.h>

struct WireGuard
{
  ProtobufCMessage *message;
  ProtobufCAllocator allocator;
  gsize live;
  gsize budget;
  WireStatus refused; /* the reason why an allocation failed; OK: none did */
  guint fail_at;      /* tests: this allocation fails, counted from 1; 0: none */
  guint n_allocations;
};

/* Stored in front of each allocation. The union has the alignment that malloc() guarantees. */
typedef union
{
  struct
  {
    gsize size;
    gsize block_size;
  } of;
  max_align_t align;
} GuardHeader;

/* The owner of a message is charged for the size of its fields, so a kept block may not be much larger. */
static gsize
guard_block_most (gsize size)
{
  return sizeof (GuardHeader) + size + size / 16;
}

static void *
guard_alloc (void *data, size_t size)
{
  WireGuard *guard = data;
  GuardHeader *header = NULL;
  gsize block_size = 0;

  if (size > guard->budget - guard->live)
    {
      guard->refused = WIRE_STATUS_LIMIT;
      return NULL;
    }
  if (++guard->n_allocations != guard->fail_at)
    header = (gpointer) wire_block_new (sizeof (GuardHeader) + size, guard_block_most (size), &block_size);
  if (header == NULL)
    {
      guard->refused = WIRE_STATUS_NO_MEMORY;
      return NULL;
    }
  header->of.size = size;
  header->of.block_size = block_size;
  guard->live += size;
  return header + 1;
}

static void
guard_free (void *data, void *pointer)
{
  WireGuard *guard = data;
  GuardHeader *header;

  if (pointer == NULL)
    return;
  header = (GuardHeader *) pointer - 1;
  guard->live -= header->of.size;
  wire_block_free ((guint8 *) header, header->of.block_size);
}

/* protobuf-c does not report why it failed; the guard knows whether an allocation failed. */
static WireGuardError
guard_explain_failure (const WireGuard *guard)
{
  switch ((int) guard->refused)
    {
    case WIRE_STATUS_LIMIT:
      return (WireGuardError){ WIRE_STATUS_LIMIT, 0, "it needs too much memory for its size" };
    case WIRE_STATUS_NO_MEMORY:
      return (WireGuardError){ WIRE_STATUS_NO_MEMORY, 0, "out of memory" };
    default:
      return (WireGuardError){ WIRE_STATUS_BAD_MESSAGE, 0, "protobuf refuses it" };
    }
}

/* Unpacks bytes that passed the scan. NULL: failed, and @result has the reason. */
static WireGuard *
guard_build (const ProtobufCMessageDescriptor *type, WireSpan bytes, guint fail_at, WireGuardError *result)
{
  WireGuard *guard = g_new0 (WireGuard, 1);

  guard->allocator = (ProtobufCAllocator){ guard_alloc, guard_free, guard };
  guard->budget = wire_guard_budget (bytes.len);
  guard->fail_at = fail_at;
  guard->message = protobuf_c_message_unpack (type, &guard->allocator, bytes.len, bytes.data);
  if (guard->message != NULL)
    return guard;
  *result = guard_explain_failure (guard);
  g_free (guard);
  return NULL;
}

WireGuard *
wire_guard_unpack_failing (const ProtobufCMessageDescriptor *type,
                           WireSpan bytes,
                           guint max_fields,
                           gboolean skip_unknown,
                           guint fail_at,
                           WireGuardError *error)
{
  WireGuardError result = wire_guard_scan (type, bytes, max_fields, skip_unknown);
  WireGuard *guard = NULL;

  if (result.status == WIRE_STATUS_OK)
    guard = guard_build (type, bytes, fail_at, &result);
  if (error != NULL)
    *error = result;
  return guard;
}

WireGuard *
wire_guard_unpack (const ProtobufCMessageDescriptor *type, WireSpan bytes, guint max_fields, WireGuardError *error)
{
  return wire_guard_unpack_failing (type, bytes, max_fields, FALSE, 0, error);
}

WireGuard *
wire_guard_unpack_lenient (const ProtobufCMessageDescriptor *type,
                           WireSpan bytes,
                           guint max_fields,
                           WireGuardError *error)
{
  return wire_guard_unpack_failing (type, bytes, max_fields, TRUE, 0, error);
}

gconstpointer
wire_guard_message (const WireGuard *guard)
{
  return guard->message;
}

void
wire_guard_free (WireGuard *guard)
{
  if (guard == NULL)
    return;
  protobuf_c_message_free_unpacked (guard->message, &guard->allocator);
  g_free (guard);
}
