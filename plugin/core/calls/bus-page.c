/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-page.h"

#include "calls/bus-budget.h"

gpointer
bus_page_block (BusPage *page, gsize size)
{
  gpointer block = g_malloc0 (size);

  g_ptr_array_add (page->blocks, block);
  return block;
}

char *
bus_page_text (BusPage *page, WireSpan text)
{
  return g_string_chunk_insert_len (page->texts, (const char *) text.data, (gssize) text.len);
}

gboolean
bus_page_fits (const BusPage *page, const ProtobufCMessage *entry)
{
  return protobuf_c_message_get_packed_size (entry) + BUS_PAGE_ENTRY_HEAD <= page->room;
}

gboolean
bus_page_put (BusPage *page, ProtobufCMessage *entry)
{
  page->work += BUS_WORK_ENTRY;
  if (page->entries->len == page->limit || !bus_page_fits (page, entry))
    page->is_full = TRUE;
  else
    {
      page->room -= protobuf_c_message_get_packed_size (entry) + BUS_PAGE_ENTRY_HEAD;
      g_ptr_array_add (page->entries, entry);
    }
  return !page->is_full;
}
