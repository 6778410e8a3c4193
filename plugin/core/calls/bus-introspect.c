/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-introspect.h"

#include "base/bus-smallest.h"
#include "calls/bus-budget.h"
#include "calls/bus-listing.h"
#include "calls/bus-page.h"
#include "calls/bus-will.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "route/bus-group.h"
#include "route/bus-router.h"
#include "route/bus-routes.h"
#include "introspection.pb-c.h"

typedef Daemoneye__Eventbus__V1__BusIntrospectReply Reply;
typedef Daemoneye__Eventbus__V1__BusIntrospectRequest Request;
typedef Daemoneye__Eventbus__V1__GroupInfo GroupInfo;
typedef Daemoneye__Eventbus__V1__GroupMember GroupMember;
typedef Daemoneye__Eventbus__V1__PeerInfo PeerInfo;
typedef Daemoneye__Eventbus__V1__SubscriptionInfo SubscriptionInfo;
typedef Daemoneye__Eventbus__V1__RetainedInfo RetainedInfo;
typedef Daemoneye__Eventbus__V1__TopicInfo TopicInfo;

#define ENTRIES_PRESET 500u
#define ENTRIES_MAX    1000u
#define MEMBERS_MAX    256u
#define REPLY_REST     128u /* epoch, next and topics_unseen at their longest; for topics, `next` is added */

/* --- peers --- */

static gboolean
introspect_put_peer (BusPage *page, BusPeer *peer)
{
  PeerInfo *info = bus_page_block (page, sizeof (PeerInfo));

  daemoneye__eventbus__v1__peer_info__init (info);
  info->id = peer->id;
  info->type = peer->type;
  info->role = (Daemoneye__Eventbus__V1__Role) peer->principal.role;
  info->pid = peer->who.pid;
  info->uid = peer->account->number;
  info->account = peer->account->name;
  info->last_topic = bus_page_text (page, bus_will_topic (peer));
  info->software_version = peer->software_version;
  info->since_us = (guint64) (peer->connected_us + page->core->wall_us);
  info->connected_us = (guint64) (page->now_us - peer->connected_us);
  info->incarnation = peer->incarnation;
  info->features = peer->features;
  info->subscriptions = bus_subscriptions_size (&peer->subscriptions);
  return bus_page_put (page, &info->base);
}

static void
introspect_walk_peers (BusPage *page)
{
  g_autoptr (GPtrArray) peers = bus_listing_peers (page, FALSE, bus_listing_peers_of_page (page));

  for (guint i = 0; i < peers->len; i++)
    if (!introspect_put_peer (page, g_ptr_array_index (peers, i)))
      return;
}

static void
introspect_peer_cursor (const BusPage *page, gconstpointer last, char *next)
{
  g_strlcpy (next, ((const PeerInfo *) last)->id, BUS_PAGE_CURSOR_MAX);
}

/* --- subscriptions --- */

static gboolean
introspect_put_subscription (BusPage *page, const BusSubscription *subscription)
{
  SubscriptionInfo *info = bus_page_block (page, sizeof (SubscriptionInfo));

  daemoneye__eventbus__v1__subscription_info__init (info);
  info->peer = subscription->owner->id;
  info->subscription = subscription->id;
  info->pattern = bus_page_text (page, bus_subscription_pattern (subscription));
  if (subscription->group != NULL)
    {
      info->group = bus_page_text (page, subscription->group->key.text);
      info->group_number = subscription->group->number;
    }
  info->serve = subscription->serves;
  info->methods = subscription->serves_methods;
  info->delivered = subscription->delivered;
  info->missed = subscription->extra->missed;
  return bus_page_put (page, &info->base);
}

static gboolean
introspect_put_subscriptions_of (BusPage *page, const BusPeer *peer)
{
  g_autoptr (GPtrArray) subscriptions = bus_listing_subscriptions (page, peer, NULL);

  for (guint i = 0; i < subscriptions->len; i++)
    if (!introspect_put_subscription (page, g_ptr_array_index (subscriptions, i)))
      return FALSE;
  return TRUE;
}

static void
introspect_walk_subscriptions (BusPage *page)
{
  g_autoptr (GPtrArray) peers = bus_listing_peers (page, TRUE, bus_listing_peers_of_page (page));

  for (guint i = 0; i < peers->len; i++)
    if (!introspect_put_subscriptions_of (page, g_ptr_array_index (peers, i)))
      return;
}

static void
introspect_subscription_cursor (const BusPage *page, gconstpointer last, char *next)
{
  const SubscriptionInfo *info = last;

  g_snprintf (next, BUS_PAGE_CURSOR_MAX, "%s/%u", info->peer, info->subscription);
}

/* --- groups --- */

static void
introspect_gather_members_of (GHashTable *members, const BusPeer *peer)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    {
      BusGroup *group = ((const BusSubscription *) value)->group;
      GPtrArray *found = group != NULL ? g_hash_table_lookup (members, group) : NULL;

      if (found != NULL && found->len < MEMBERS_MAX)
        g_ptr_array_add (found, value);
    }
}

/* A table from BusGroup to its listed members, filled by one walk over all subscriptions. */
static GHashTable *
introspect_gather_members (BusPage *page, const GPtrArray *groups)
{
  GHashTable *members = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);

  for (guint i = 0; i < groups->len; i++)
    g_hash_table_insert (members, g_ptr_array_index (groups, i), g_ptr_array_new ());
  for (const GList *link = page->core->peers.head; link != NULL; link = link->next)
    {
      page->work++;
      if (!bus_peer_may_see (page->asker, link->data))
        continue;
      page->work += (guint64) bus_subscriptions_size (&((const BusPeer *) link->data)->subscriptions) * BUS_WORK_MEMBER;
      introspect_gather_members_of (members, link->data);
    }
  return members;
}

static int
introspect_compare_members (gconstpointer a, gconstpointer b)
{
  const BusSubscription *first = *(BusSubscription *const *) a;
  const BusSubscription *second = *(BusSubscription *const *) b;
  int order = strcmp (first->owner->id, second->owner->id);

  return order != 0 ? order : bus_listing_compare_subscriptions (a, b);
}

static void
introspect_fill_members (BusPage *page, GroupInfo *info, GPtrArray *members)
{
  GroupMember *entries = bus_page_block (page, sizeof (GroupMember) * MAX (members->len, 1));

  page->work += (guint64) members->len * (BUS_SMALLEST_WORK + BUS_WORK_ENTRY);
  g_ptr_array_sort (members, introspect_compare_members);
  info->member = bus_page_block (page, sizeof (GroupMember *) * MAX (members->len, 1));
  for (guint i = 0; i < members->len; i++)
    {
      const BusSubscription *subscription = g_ptr_array_index (members, i);

      daemoneye__eventbus__v1__group_member__init (&entries[i]);
      entries[i].peer = subscription->owner->id;
      entries[i].subscription = subscription->id;
      entries[i].pattern = bus_page_text (page, bus_subscription_pattern (subscription));
      entries[i].serve = subscription->serves;
      entries[i].weight = subscription->share->weight;
      entries[i].in_flight = subscription->share->in_flight;
      entries[i].draining = !bus_subscription_takes_part (subscription);
      info->member[i] = &entries[i];
    }
  info->n_member = members->len;
}

/* The account of the members; empty: they may belong to several accounts. */
static const char *
introspect_group_account (const BusGroup *group)
{
  const BusSubscription *first = group->members.head != NULL ? group->members.head->data : NULL;

  return group->key.account != BUS_ALL_ACCOUNTS && first != NULL ? first->owner->account->name : "";
}

static gboolean
introspect_put_group (BusPage *page, const BusGroup *group, GPtrArray *members)
{
  GroupInfo *info = bus_page_block (page, sizeof (GroupInfo));

  daemoneye__eventbus__v1__group_info__init (info);
  info->name = bus_page_text (page, group->key.text);
  info->members = group->members.length;
  info->number = group->number;
  info->account = bus_page_text (page, wire_span_str (introspect_group_account (group)));
  info->pattern = bus_page_text (page, group->pattern);
  info->strategy = group->balance.strategy;
  introspect_fill_members (page, info, members);
  /* A group that is too large for any page is listed with fewer members. */
  while (page->entries->len == 0 && info->n_member > 0 && !bus_page_fits (page, &info->base))
    info->n_member -= 1 + info->n_member / 8;
  return bus_page_put (page, &info->base);
}

static void
introspect_walk_groups (BusPage *page)
{
  g_autoptr (GPtrArray) groups = bus_listing_groups (page);
  g_autoptr (GHashTable) members = introspect_gather_members (page, groups);

  for (guint i = 0; i < groups->len; i++)
    {
      BusGroup *group = g_ptr_array_index (groups, i);

      if (!introspect_put_group (page, group, g_hash_table_lookup (members, group)))
        return;
    }
}

static void
introspect_group_cursor (const BusPage *page, gconstpointer last, char *next)
{
  const GroupInfo *info = last;

  g_snprintf (next, BUS_PAGE_CURSOR_MAX, "%s/%u", info->name, info->number);
}

/* --- topics --- */

/* The number of subscriptions that would get a message to @topic now. Entries of one owner that follow each other in @found need
 * one decision of the policy. */
static guint
introspect_count_subscribers (BusPage *page, GPtrArray *found, WireSpan topic)
{
  const BusPeer *owner = NULL;
  gboolean gets = FALSE;
  guint n = 0;

  for (guint i = 0; i < found->len; i++)
    {
      const BusIndexEntry *entry = g_ptr_array_index (found, i);

      if (bus_index_entry_owner (entry) != owner)
        {
          page->work += BUS_WORK_QUESTION;
          owner = bus_index_entry_owner (entry);
          gets = bus_peer_is_ready (owner) && bus_policy_authorize (&owner->principal, BUS_OP_DELIVER, topic).allowed;
        }
      n += gets ? bus_index_entry_size (entry) : 0;
    }
  return n;
}

static gboolean
introspect_put_topic (BusPage *page, const BusTopic *topic, guint *matched)
{
  TopicInfo *info = bus_page_block (page, sizeof (TopicInfo));
  g_autoptr (GPtrArray) found = g_ptr_array_new (); /* entries of the index */

  bus_index_match (page->core->routes->index, topic->key.text, found);
  for (guint i = 0; i < found->len; i++)
    *matched += bus_index_entry_size (g_ptr_array_index (found, i));
  page->work += BUS_WORK_MATCH + found->len;
  daemoneye__eventbus__v1__topic_info__init (info);
  info->topic = bus_page_text (page, topic->key.text);
  info->messages = topic->messages;
  info->bytes = topic->bytes;
  info->age_us = (guint64) (page->now_us - topic->last_us);
  info->subscribers = introspect_count_subscribers (page, found, topic->key.text);
  info->servers = bus_router_count_servers (page->core, topic->key.text);
  page->work += info->servers;
  info->type_name = bus_page_text (page, wire_span (topic->type_name, topic->type_len));
  return bus_page_put (page, &info->base);
}

static gboolean
introspect_may_see_topic (BusPage *page, const BusTopic *topic)
{
  page->work += page->all ? 1 : BUS_WORK_QUESTION;
  return page->all || bus_policy_authorize (&page->asker->principal, BUS_OP_DELIVER, topic->key.text).allowed;
}

static void
introspect_walk_topics (BusPage *page)
{
  BusTopics *topics = &page->core->routes->topics;
  const gboolean was_sorted = topics->is_sorted;
  const GPtrArray *order = bus_topics_by_name (topics);
  guint matched = 0;

  if (!was_sorted)
    page->work += order->len * BUS_WORK_SORTED;
  page->room
      -= (gsize)
             page->core->limits.topic_bytes; /* for the cursor; bus_limits_contradiction() leaves room for an entry */
  for (guint at = bus_topics_after (topics, wire_span_str (page->after)); at < order->len && !page->is_full; at++)
    {
      const BusTopic *topic = g_ptr_array_index (order, at);

      if (!introspect_may_see_topic (page, topic))
        continue;
      if (matched > BUS_INTROSPECT_WORK_MAX)
        page->is_full = TRUE;
      else
        introspect_put_topic (page, topic, &matched);
    }
}

/* The cursor is the name of the topic: another topic may use its slot at the next page. */
static void
introspect_topic_cursor (const BusPage *page, gconstpointer last, char *next)
{
  g_strlcpy (next, ((const TopicInfo *) last)->topic, BUS_PAGE_CURSOR_MAX);
}

/* --- retained messages --- */

static int
introspect_compare_retained (gconstpointer a, gconstpointer b)
{
  return bus_key_compare_text ((*(BusRetained *const *) a)->key.text, (*(BusRetained *const *) b)->key.text);
}

static gboolean
introspect_may_see_retained (BusPage *page, const BusRetained *value)
{
  page->work += page->all ? 1 : BUS_WORK_QUESTION;
  return bus_key_compare_text (value->key.text, wire_span_str (page->after)) > 0
         && (page->all || bus_policy_authorize (&page->asker->principal, BUS_OP_DELIVER, value->key.text).allowed);
}

static GPtrArray *
introspect_smallest_retained (BusPage *page)
{
  BusSmallest smallest;
  GHashTableIter iter;
  gpointer value;

  bus_smallest_init (&smallest, &page->work, introspect_compare_retained, page->limit + 1);
  g_hash_table_iter_init (&iter, page->core->routes->retained.by_topic);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (introspect_may_see_retained (page, value))
      bus_smallest_add (&smallest, value);
  return bus_smallest_end (&smallest);
}

static gboolean
introspect_put_retained (BusPage *page, const BusRetained *value)
{
  RetainedInfo *info = bus_page_block (page, sizeof (RetainedInfo));

  daemoneye__eventbus__v1__retained_info__init (info);
  info->topic = bus_page_text (page, value->key.text);
  info->sender = value->sender;
  info->account = value->account->name;
  info->accept_seq = value->message->accept_seq;
  info->bytes = value->message->payload_len;
  info->age_us = (guint64) (page->now_us - value->since_us);
  if (value->message->expires_us > 0)
    info->remaining_us = (guint64) MAX (value->message->expires_us - page->now_us, 1);
  info->until_gone = value->publisher != NULL;
  info->type_name = value->type_name;
  /* A value that is too large for any page is listed without its type. */
  if (page->entries->len == 0 && !bus_page_fits (page, &info->base))
    info->type_name = bus_page_text (page, wire_span (NULL, 0));
  return bus_page_put (page, &info->base);
}

static void
introspect_walk_retained (BusPage *page)
{
  g_autoptr (GPtrArray) values = introspect_smallest_retained (page);

  page->room -= (gsize) page->core->limits.topic_bytes; /* for the cursor */
  for (guint i = 0; i < values->len; i++)
    if (!introspect_put_retained (page, g_ptr_array_index (values, i)))
      return;
}

static void
introspect_retained_cursor (const BusPage *page, gconstpointer last, char *next)
{
  g_strlcpy (next, ((const RetainedInfo *) last)->topic, BUS_PAGE_CURSOR_MAX);
}

/* --- reading cursors --- */

static gboolean
introspect_read_name_cursor (BusPage *page, const char *cursor)
{
  return bus_listing_read_name (page, wire_span_str (cursor));
}

static gboolean
introspect_read_topic_cursor (BusPage *page, const char *cursor)
{
  WireSpan topic = wire_span_str (cursor);

  if (topic.len >= BUS_PAGE_CURSOR_MAX || wire_topic_check (topic, &page->core->topic_limits).status != WIRE_STATUS_OK)
    return FALSE;
  memcpy (page->after, topic.data, topic.len);
  return TRUE;
}

/* --- sections --- */

typedef struct
{
  void (*walk) (BusPage *page);
  gboolean (*read_cursor) (BusPage *page, const char *cursor);
  void (*cursor) (const BusPage *page, gconstpointer last, char *next); /* @next: BUS_PAGE_CURSOR_MAX bytes */
  gboolean of_peer;                                                     /* the request may name a `peer` */
  gsize n_offset;                                                       /* of the list in Reply */
  gsize list_offset;
} IntrospectSection;

#define SECTION(walk, read_cursor, cursor, of_peer, list)                                                              \
  {                                                                                                                    \
    walk, read_cursor, cursor, of_peer, G_STRUCT_OFFSET (Reply, n_##list), G_STRUCT_OFFSET (Reply, list)               \
  }

#define SECTION_TOPICS 4u

static const IntrospectSection sections[] = {
  [1] = SECTION (introspect_walk_peers, introspect_read_name_cursor, introspect_peer_cursor, TRUE, peers),
  [2] = SECTION (introspect_walk_subscriptions,
                 bus_listing_read_subscription,
                 introspect_subscription_cursor,
                 TRUE,
                 subscriptions),
  [3] = SECTION (introspect_walk_groups, bus_listing_read_group, introspect_group_cursor, FALSE, groups),
  [SECTION_TOPICS]
  = SECTION (introspect_walk_topics, introspect_read_topic_cursor, introspect_topic_cursor, FALSE, topics),
  [5] = SECTION (introspect_walk_retained, introspect_read_topic_cursor, introspect_retained_cursor, FALSE, retained),
};

static gboolean
introspect_refuse (BusPeer *asker, guint64 id, WireStatus status, const char *detail)
{
  bus_peer_error (asker, id, status, detail);
  return FALSE;
}

static gboolean
introspect_check_request (BusPeer *asker, guint64 id, const Request *request)
{
  if (request->section == 0 || request->section >= G_N_ELEMENTS (sections))
    return introspect_refuse (
        asker, id, WIRE_STATUS_BAD_MESSAGE,
        "section must be 1 (peers), 2 (subscriptions), 3 (groups), 4 (topics) or 5 (retained messages)");
  if (request->limit > ENTRIES_MAX)
    return introspect_refuse (asker, id, WIRE_STATUS_BAD_MESSAGE, "limit must be at most 1000 entries; 0 means 500");
  if (request->peer[0] != '\0' && !sections[request->section].of_peer)
    return introspect_refuse (asker, id, WIRE_STATUS_BAD_MESSAGE,
                              "peer is allowed with section 1 (peers) and 2 (subscriptions) only");
  return TRUE;
}

/* Reads the selection of the request: a peer, and the cursor. */
static gboolean
introspect_select (BusPage *page, BusPeer *asker, guint64 id, const Request *request)
{
  BusKey key = bus_key (asker->core->seed, wire_span_str (request->peer));

  if (request->peer[0] != '\0')
    {
      page->only = g_hash_table_lookup (asker->core->peers_by_id, &key);
      if (page->only == NULL || !bus_peer_may_see (asker, page->only))
        return introspect_refuse (asker, id, WIRE_STATUS_ABSENT,
                                  "no peer of this id is connected, or you may not see it");
    }
  if (request->after[0] != '\0' && !sections[request->section].read_cursor (page, request->after))
    return introspect_refuse (asker, id, WIRE_STATUS_BAD_MESSAGE,
                              "after must be empty, or `next` of a page of the same section");
  return TRUE;
}

static void
introspect_send (const BusPage *page, BusPeer *asker, guint64 id, const IntrospectSection *section)
{
  char next[BUS_PAGE_CURSOR_MAX] = "";
  Reply reply;

  daemoneye__eventbus__v1__bus_introspect_reply__init (&reply);
  reply.epoch = page->core->epoch;
  G_STRUCT_MEMBER (size_t, &reply, section->n_offset) = page->entries->len;
  G_STRUCT_MEMBER (gpointer *, &reply, section->list_offset) = page->entries->pdata;
  if (page->is_full && page->entries->len > 0)
    section->cursor (page, g_ptr_array_index (page->entries, page->entries->len - 1), next);
  reply.next = next;
  if (section == &sections[SECTION_TOPICS])
    reply.topics_unseen = page->core->routes->topics.unseen;
  bus_budget_spend (asker, page->work, &reply.base);
  bus_reply_message (asker, id, &reply.base);
}

void
bus_introspect_answer (const BusCall *call)
{
  const Request *request = call->request;
  BusPeer *asker = call->peer;
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func (g_free);
  GStringChunk *texts;
  BusPage page = { .asker = asker, .core = call->core, .now_us = call->now_us, .entries = entries, .blocks = blocks };

  if (!bus_budget_admit (asker, call->id, call->now_us) || !introspect_check_request (asker, call->id, request)
      || !introspect_select (&page, asker, call->id, request))
    return;
  texts = g_string_chunk_new (4096);
  page.texts = texts;
  page.all = asker->principal.role != BUS_ROLE_COLLECTOR;
  page.limit = request->limit > 0 ? request->limit : ENTRIES_PRESET;
  page.room = (gsize) MIN (call->core->limits.max_payload, BUS_PAGE_REPLY_MAX) - REPLY_REST;
  sections[request->section].walk (&page);
  introspect_send (&page, asker, call->id, &sections[request->section]);
  g_string_chunk_free (texts);
}
