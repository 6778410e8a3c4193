/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-stats-page.h"

#include "calls/bus-budget.h"
#include "calls/bus-listing.h"
#include "calls/bus-stats-rows.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"

typedef Daemoneye__Eventbus__V1__BusTotals BusTotals;
typedef Daemoneye__Eventbus__V1__GroupStats GroupStats;
typedef Daemoneye__Eventbus__V1__PeerStats PeerStats;
typedef Daemoneye__Eventbus__V1__QueueStats QueueStats;
typedef Daemoneye__Eventbus__V1__StatsReply StatsReply;
typedef Daemoneye__Eventbus__V1__StatsRequest StatsRequest;

#define ROWS_PRESET 500u
#define ROWS_MAX    1000u
#define PAGE_REST   128u /* epoch, truncated, and next at its longest */
#define SLASH_AT    1u   /* in a cursor: one digit, the section, and a slash before the rest */

typedef enum
{
  STATS_PEERS = 1,
  STATS_SUBSCRIPTIONS,
  STATS_GROUPS,
  STATS_DOMAINS,
  STATS_SECTIONS_END,
} StatsSectionKind;

typedef struct
{
  BusPage page;
  BusStatsRows *rows; /* also rows that did not fit */
  const StatsRequest *request;
  gboolean no_peer; /* the request names a peer that the asker can't see */
  gboolean has_totals;
  gboolean is_truncated;
  StatsSectionKind section;            /* that is walked; at the beginning the section of the cursor */
  guint begin[STATS_SECTIONS_END + 1]; /* of each section: index of its first row in page.entries */
} StatsPage;

/* A row that does not fit an empty page is left out: otherwise every further page would be empty, too. */
static gboolean
stats_page_put (StatsPage *self, ProtobufCMessage *row)
{
  if (self->page.entries->len > 0 || self->has_totals || bus_page_fits (&self->page, row))
    return bus_page_put (&self->page, row);
  self->page.work += BUS_WORK_ENTRY;
  self->is_truncated = TRUE;
  return TRUE;
}

/* --- peers and subscriptions --- */

static void
stats_page_walk_peers (StatsPage *self)
{
  BusPage *page = &self->page;
  g_autoptr (GPtrArray) peers = bus_listing_peers (page, FALSE, bus_listing_peers_of_page (page));

  for (guint i = 0; i < peers->len; i++)
    if (!stats_page_put (self, bus_stats_rows_add_peer (self->rows, g_ptr_array_index (peers, i), page->now_us)))
      return;
}

static gboolean
stats_page_put_subscriptions (StatsPage *self, const BusPeer *peer)
{
  BusPage *page = &self->page;
  BusListingFilter *filter = self->request->slow ? bus_stats_is_behind : NULL;
  g_autoptr (GPtrArray) found = bus_listing_subscriptions (page, peer, filter);

  for (guint i = 0; i < found->len; i++)
    if (!stats_page_put (self,
                         bus_stats_rows_add_subscription (self->rows, g_ptr_array_index (found, i), page->now_us)))
      return FALSE;
  return TRUE;
}

/* If only subscriptions that are behind are wanted, all peers are visited: any number of them may have none. */
static void
stats_page_walk_subscriptions (StatsPage *self)
{
  BusPage *page = &self->page;
  guint max = self->request->slow ? page->core->peers.length + 1 : bus_listing_peers_of_page (page);
  g_autoptr (GPtrArray) peers = bus_listing_peers (page, TRUE, max);

  for (guint i = 0; i < peers->len; i++)
    if (!stats_page_put_subscriptions (self, g_ptr_array_index (peers, i)))
      return;
}

/* --- groups and domains --- */

/* One walk over the subscriptions for all groups of the page. */
static void
stats_page_count_members (StatsPage *self)
{
  BusPage *page = &self->page;

  for (const GList *link = page->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;
      guint at = 0;
      gpointer value;

      page->work++;
      if (!bus_peer_may_see (page->asker, peer))
        continue;
      page->work += (guint64) bus_subscriptions_size (&peer->subscriptions) * BUS_WORK_MEMBER;
      while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
        bus_stats_rows_count_member (self->rows, value);
    }
}

static void
stats_page_walk_groups (StatsPage *self)
{
  g_autoptr (GPtrArray) groups = bus_listing_groups (&self->page);
  const GPtrArray *rows = self->rows->groups;

  for (guint i = 0; i < groups->len; i++)
    bus_stats_rows_add_group (self->rows, g_ptr_array_index (groups, i));
  if (rows->len > 0)
    stats_page_count_members (self);
  for (guint i = 0; i < rows->len; i++)
    if (!stats_page_put (self, g_ptr_array_index (rows, i)))
      return;
}

static void
stats_page_walk_domains (StatsPage *self)
{
  const GPtrArray *rows = self->rows->domains;

  bus_stats_rows_add_domains (self->rows, self->page.core->flows.domains);
  for (guint i = self->page.after_number; i < rows->len; i++)
    if (!stats_page_put (self, g_ptr_array_index (rows, i)))
      return;
}

/* --- sections --- */

static gboolean
stats_page_wants_peers (const StatsPage *self)
{
  return !self->no_peer;
}

static gboolean
stats_page_wants_subscriptions (const StatsPage *self)
{
  return self->request->subscriptions && !self->no_peer;
}

static gboolean
stats_page_wants_groups (const StatsPage *self)
{
  return self->request->groups;
}

static gboolean
stats_page_wants_domains (const StatsPage *self)
{
  return self->request->domains && self->page.all;
}

static gboolean
stats_page_read_name (BusPage *page, const char *text)
{
  return bus_listing_read_name (page, wire_span_str (text));
}

static gboolean
stats_page_read_domain (BusPage *page, const char *text)
{
  return bus_listing_read_number (text, BUS_N_DOMAINS, &page->after_number);
}

static void
stats_page_write_peer (const StatsPage *self, gconstpointer last, GString *next)
{
  g_string_append (next, ((const PeerStats *) last)->id);
}

static void
stats_page_write_subscription (const StatsPage *self, gconstpointer last, GString *next)
{
  const QueueStats *row = last;

  g_string_append_printf (next, "%s/%u", row->peer, row->subscription);
}

static void
stats_page_write_group (const StatsPage *self, gconstpointer last, GString *next)
{
  const GroupStats *row = last;

  g_string_append_printf (next, "%s/%u", row->name, row->number);
}

static void
stats_page_write_domain (const StatsPage *self, gconstpointer last, GString *next)
{
  guint i = 0;

  while (g_ptr_array_index (self->rows->domains, i) != last)
    i++;
  g_string_append_printf (next, "%u", i + 1);
}

static const struct
{
  gboolean (*wants) (const StatsPage *self);
  void (*walk) (StatsPage *self);
  gboolean (*read) (BusPage *page, const char *text); /* the cursor behind the slash */
  void (*write) (const StatsPage *self, gconstpointer last, GString *next);
} stats_sections[] = {
  [STATS_PEERS] = { stats_page_wants_peers, stats_page_walk_peers, stats_page_read_name, stats_page_write_peer },
  [STATS_SUBSCRIPTIONS] = { stats_page_wants_subscriptions, stats_page_walk_subscriptions,
                            bus_listing_read_subscription, stats_page_write_subscription },
  [STATS_GROUPS] = { stats_page_wants_groups, stats_page_walk_groups, bus_listing_read_group, stats_page_write_group },
  [STATS_DOMAINS]
  = { stats_page_wants_domains, stats_page_walk_domains, stats_page_read_domain, stats_page_write_domain },
};

static void
stats_page_walk (StatsPage *self)
{
  BusPage *page = &self->page;

  while (self->section < STATS_SECTIONS_END && !page->is_full)
    {
      self->begin[self->section] = page->entries->len;
      if (stats_sections[self->section].wants (self))
        stats_sections[self->section].walk (self);
      if (page->is_full)
        break;
      self->section++;
      /* The cursor applies only to the first section that is walked. */
      page->after[0] = '\0';
      page->after_number = 0;
    }
  for (guint i = self->section + 1; i < STATS_SECTIONS_END; i++)
    self->begin[i] = page->entries->len;
  self->begin[STATS_SECTIONS_END] = page->entries->len;
}

/* --- the request --- */

static gboolean
stats_page_refuse (const BusCall *call, const char *detail)
{
  bus_peer_error (call->peer, call->id, WIRE_STATUS_BAD_MESSAGE, detail);
  return FALSE;
}

/* Nothing follows the slash if the totals filled the page before. */
static gboolean
stats_page_read_cursor (StatsPage *self, const char *after)
{
  guint section = (guint) (guchar) after[0] - '0';

  if (section < STATS_PEERS || section >= STATS_SECTIONS_END || after[SLASH_AT] != '/')
    return FALSE;
  self->section = section;
  after += SLASH_AT + 1;
  return *after == '\0' || stats_sections[section].read (&self->page, after);
}

static gboolean
stats_page_select (StatsPage *self, const BusCall *call)
{
  const StatsRequest *request = self->request;
  BusKey key = bus_key (call->core->seed, wire_span_str (request->peer));

  if (request->limit > ROWS_MAX)
    return stats_page_refuse (call, "limit must be at most 1000 rows");
  if (request->after[0] != '\0' && !stats_page_read_cursor (self, request->after))
    return stats_page_refuse (call, "after must be empty, or `next` of the page before");
  if (request->peer[0] == '\0')
    return TRUE;
  self->page.only = g_hash_table_lookup (call->core->peers_by_id, &key);
  self->no_peer = self->page.only == NULL || !bus_peer_may_see (call->peer, self->page.only);
  return TRUE;
}

gboolean
bus_stats_page_is_asked_for (const StatsRequest *request)
{
  return request->limit > 0 || request->after[0] != '\0';
}

/* --- the page --- */

static void
stats_page_fill_rows (const StatsPage *self, StatsReply *reply)
{
  gpointer *rows = self->page.entries->pdata;
  const guint *begin = self->begin;

  reply->n_peers = begin[STATS_SUBSCRIPTIONS] - begin[STATS_PEERS];
  reply->n_subscriptions = begin[STATS_GROUPS] - begin[STATS_SUBSCRIPTIONS];
  reply->n_groups = begin[STATS_DOMAINS] - begin[STATS_GROUPS];
  reply->n_domains = begin[STATS_SECTIONS_END] - begin[STATS_DOMAINS];
  if (self->page.entries->len == 0)
    return;
  reply->peers = (PeerStats **) (rows + begin[STATS_PEERS]);
  reply->subscriptions = (QueueStats **) (rows + begin[STATS_SUBSCRIPTIONS]);
  reply->groups = (GroupStats **) (rows + begin[STATS_GROUPS]);
  reply->domains = (Daemoneye__Eventbus__V1__DomainStats **) (rows + begin[STATS_DOMAINS]);
}

static void
stats_page_write_cursor (const StatsPage *self, GString *next)
{
  const GPtrArray *entries = self->page.entries;
  guint section = self->section;

  while (section > STATS_PEERS && self->begin[section] == entries->len)
    section--;
  if (entries->len == 0)
    g_string_append_printf (next, "%u/", (guint) self->section);
  else
    {
      g_string_append_printf (next, "%u/", section);
      stats_sections[section].write (self, g_ptr_array_index (entries, entries->len - 1), next);
    }
}

static void
stats_page_reply (const StatsPage *self, const BusCall *call, BusTotals *totals)
{
  g_autoptr (GString) next = g_string_new (NULL);
  StatsReply reply;

  daemoneye__eventbus__v1__stats_reply__init (&reply);
  reply.epoch = call->core->epoch;
  reply.truncated = self->is_truncated;
  if (self->has_totals)
    reply.totals = totals;
  stats_page_fill_rows (self, &reply);
  if (self->page.is_full)
    stats_page_write_cursor (self, next);
  reply.next = next->str;
  bus_budget_spend (call->peer, self->page.work, &reply.base);
  bus_reply_message (call->peer, call->id, &reply.base);
}

void
bus_stats_page_send (const BusCall *call, BusTotals *totals)
{
  const StatsRequest *request = call->request;
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  g_auto (BusStatsRows) rows;
  StatsPage self = { .rows = &rows, .request = request, .section = STATS_PEERS };

  bus_stats_rows_init (&rows);
  self.page = (BusPage){ .asker = call->peer, .core = call->core, .now_us = call->now_us, .entries = entries };
  self.page.all = call->peer->principal.role != BUS_ROLE_COLLECTOR;
  self.page.limit = request->limit > 0 ? request->limit : ROWS_PRESET;
  self.page.room = (gsize) MIN (call->core->limits.max_payload, BUS_PAGE_REPLY_MAX) - PAGE_REST;
  self.has_totals = request->after[0] == '\0';
  if (!stats_page_select (&self, call))
    return;
  if (self.has_totals)
    {
      self.page.room -= protobuf_c_message_get_packed_size (&totals->base) + BUS_PAGE_ENTRY_HEAD;
      self.page.work += (guint64) call->core->peers.length * BUS_WORK_MEMBER;
    }
  stats_page_walk (&self);
  stats_page_reply (&self, call, totals);
}
