/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-filter.h"

static const char *
filter_check_tag (WireSpan tag)
{
  const guint8 *mark = tag.len > 0 ? memchr (tag.data, '=', tag.len) : NULL;

  return tag.len == 0 || mark == tag.data ? "a tag of a filter must be key or key=value" : NULL;
}

const char *
bus_filter_check (const BusFilter *filter, WireStatus *status)
{
  *status = WIRE_STATUS_LIMIT;
  if (filter->correlation_id.len > WIRE_ID_MAX || filter->root_id.len > WIRE_ID_MAX)
    return "an id of a filter can have at most 256 bytes";
  if (filter->stage.len > WIRE_STAGE_MAX)
    return "the stage of a filter can have at most 128 bytes";
  for (guint i = 0; i < filter->n_tags; i++)
    {
      if (filter->tags[i].len > WIRE_TAG_KEY_MAX + 1 + WIRE_TAG_VALUE_MAX)
        return "a tag of a filter is too long: no message can have it";
      if (filter_check_tag (filter->tags[i]) != NULL)
        {
          *status = WIRE_STATUS_BAD_MESSAGE;
          return filter_check_tag (filter->tags[i]);
        }
    }
  *status = WIRE_STATUS_OK;
  return NULL;
}

gsize
bus_filter_size (const BusFilter *filter)
{
  gsize size = sizeof (BusFilter) + filter->correlation_id.len + filter->root_id.len + filter->stage.len;

  for (guint i = 0; i < filter->n_tags; i++)
    size += filter->tags[i].len;
  return size;
}

/* Copies the text to *@at, and moves *@at behind the copy. */
static WireSpan
filter_keep (guint8 **at, WireSpan text)
{
  WireSpan kept = wire_span (*at, text.len);

  if (text.len > 0)
    memcpy (*at, text.data, text.len);
  *at += text.len;
  return kept;
}

BusFilter *
bus_filter_copy (const BusFilter *filter)
{
  BusFilter *copy = g_try_malloc (bus_filter_size (filter));
  guint8 *at;

  if (copy == NULL)
    return NULL;
  at = (guint8 *) (copy + 1);
  *copy = (BusFilter){ .n_tags = filter->n_tags };
  copy->correlation_id = filter_keep (&at, filter->correlation_id);
  copy->root_id = filter_keep (&at, filter->root_id);
  copy->stage = filter_keep (&at, filter->stage);
  for (guint i = 0; i < filter->n_tags; i++)
    copy->tags[i] = filter_keep (&at, filter->tags[i]);
  return copy;
}

gboolean
bus_filter_is_empty (const BusFilter *filter)
{
  return filter->correlation_id.len == 0 && filter->root_id.len == 0 && filter->stage.len == 0 && filter->n_tags == 0;
}

static gboolean
filter_fits (WireSpan wanted, WireSpan text)
{
  return wanted.len == 0 || wire_span_equal (wanted, text);
}

/* A wanted tag without "=" fits each tag with this key. */
static gboolean
filter_tag_fits (WireSpan wanted, WireSpan tag)
{
  if (tag.len < wanted.len || memcmp (tag.data, wanted.data, wanted.len) != 0)
    return FALSE;
  return tag.len == wanted.len || (tag.data[wanted.len] == '=' && memchr (wanted.data, '=', wanted.len) == NULL);
}

static gboolean
filter_has_tag (const WireEnvelope *envelope, WireSpan wanted)
{
  for (guint i = 0; i < envelope->n_tags; i++)
    if (filter_tag_fits (wanted, envelope->tags[i]))
      return TRUE;
  return FALSE;
}

gboolean
bus_filter_passes (const BusFilter *filter, const WireEnvelope *envelope)
{
  WireSpan root = envelope->root_id.len > 0 ? envelope->root_id : envelope->correlation_id;

  if (!filter_fits (filter->correlation_id, envelope->correlation_id) || !filter_fits (filter->root_id, root)
      || !filter_fits (filter->stage, envelope->stage))
    return FALSE;
  for (guint i = 0; i < filter->n_tags; i++)
    if (!filter_has_tag (envelope, filter->tags[i]))
      return FALSE;
  return TRUE;
}
