/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"
#include "introspection.pb-c.h"

/* A section of the broker's state, from control.bus.introspect: peers, subscriptions, groups, topics or retained messages. The
 * broker returns pages; this module reads all pages of a section. */

typedef Daemoneye__Eventbus__V1__PeerInfo CtlPeer;
typedef Daemoneye__Eventbus__V1__SubscriptionInfo CtlSubscription;
typedef Daemoneye__Eventbus__V1__GroupInfo CtlGroup;
typedef Daemoneye__Eventbus__V1__GroupMember CtlMember;
typedef Daemoneye__Eventbus__V1__TopicInfo CtlTopic;
typedef Daemoneye__Eventbus__V1__RetainedInfo CtlRetained;

typedef enum
{
  CTL_SECTION_PEERS = 1,
  CTL_SECTION_SUBSCRIPTIONS = 2,
  CTL_SECTION_GROUPS = 3,
  CTL_SECTION_TOPICS = 4,
  CTL_SECTION_RETAINED = 5,
} CtlSection;

typedef struct
{
  GPtrArray *entries; /* CtlPeer, CtlSubscription, CtlGroup, CtlTopic or CtlRetained; they belong to the pages */
  GPtrArray *pages;
  GPtrArray *blocks; /* memory of entries that are not in a page */
  guint64 topics_unseen;
} CtlTree;

/* @peer: (nullable): read only the entries of this peer. */
CtlTree *ctl_tree_read (Ctl *ctl, CtlSection section, const char *peer, GError **error);
void ctl_tree_free (CtlTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTree, ctl_tree_free)

/* Converts a message of the bus' own schemas to JSON. (transfer full) */
JsonNode *ctl_message_json (const ProtobufCMessage *message);

/* Prints @message as one JSON object. */
void ctl_message_print (Ctl *ctl, const ProtobufCMessage *message);

/* "collector", "tool" or "agent", translated. */
const char *ctl_role_name (guint32 role);
