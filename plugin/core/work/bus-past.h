/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"

/*
 * The past of an id: the recent failures of the collector with that id, across its connections.
 *
 * A collector that repeatedly fails, dies or registers is set aside for a time. This would be useless if a new connection began
 * with a clean record, so the past of an id outlives its connection by 10 minutes, for at most 1,024 ids without a connection;
 * above that the ids that left first are forgotten. One account has at most as many of them as it may have connections: an account
 * that registers one id after the other can neither displace the ids of others, nor fill the roster of every question. The past
 * does not decide about the state of a member; bus-trust does.
 *
 * A hold lasts a given time at first. It lasts twice as long as the one before if that ended less than 10 minutes ago, up to a
 * given maximum (the settings task-hold-us and task-max-hold-us).
 *
 * An id that left without announcement is still expected to answer questions to many collectors, so the past keeps a profile of
 * its abilities.
 *
 * Invariant: the past of an id exists while the id is registered; it holds no memory of a peer.
 */

#define BUS_PAST_MAX           1024u
#define BUS_PAST_US            (10 * G_TIME_SPAN_MINUTE)
#define BUS_PAST_WINDOW_US     G_TIME_SPAN_MINUTE
#define BUS_PAST_STRIKES       3u
#define BUS_PAST_REGISTRATIONS 3u /* in a minute; one more is too often */
#define BUS_PAST_RETURN_US     (2 * G_TIME_SPAN_SECOND)

typedef struct BusPast
{
  char *id;
  BusKey key;
  gint64 strikes_us[BUS_PAST_STRIKES];              /* the times of the last strikes, in a ring; 0: none */
  gint64 registered_us[BUS_PAST_REGISTRATIONS + 1]; /* times of the last registrations, in a ring; 0: none */
  guint n_strikes;                                  /* all strikes; gives the next place in the ring */
  guint n_registrations;
  guint deaths;
  guint deaths_at_work; /* deaths while it ran tasks, since it last completed one */
  guint64 last_dead;    /* the incarnation that died last */
  gint64 last_death_us; /* 0: none */
  gboolean was_at_work; /* it ran tasks at its last death */
  guint n_holds;        /* holds in a row */
  gint64 held_until_us; /* 0: never held */
  guint users;          /* registrations of the id: 0 or 1 */
  gint64 left_us;       /* time at which its last registration ended */
  guint32 account;      /* of its last registration, once that has ended */
  guint64 incarnation;  /* the incarnation of its last registration */
  struct BusProfile
      *profile; /* its abilities, if it left without announcement; NULL: it announced its end, or is registered */
  GList link;   /* in gone, while it has no registration */
} BusPast;

typedef struct
{
  GHashTable *by_id; /* BusKey -> BusPast, owned */
  GQueue gone;       /* BusPast without a registration, in the order in which they left */
} BusPasts;

void bus_pasts_init (BusPasts *pasts);
void bus_pasts_clear (BusPasts *pasts);

/* Returns the past of an id that registers for the first time on its connection; makes it if needed. */
BusPast *bus_past_open (BusPasts *pasts, guint64 seed, WireSpan id, gint64 now_us);
/* Returns the past of @id; NULL: nothing is known of it. */
BusPast *bus_past_find (const BusPasts *pasts, guint64 seed, WireSpan id);
/* The registration of the id has ended. @most: ids without a connection that are remembered of @account; the one that left first is
 * forgotten */
void bus_past_close (BusPasts *pasts, BusPast *past, guint32 account, guint64 most, gint64 now_us);

/* The id registered. A death of the same incarnation within the last 2 s is taken back. TRUE: more than 3 registrations within
 * a minute */
gboolean bus_past_registered (BusPast *past, guint64 incarnation, gint64 now_us);

/* Counts a strike. TRUE: the third one within a minute; the count begins again then. */
gboolean bus_past_strike (BusPast *past, gint64 now_us);
/* The number of strikes within the last minute. */
guint bus_past_strikes (const BusPast *past, gint64 now_us);

/* The connection of the id ended without announcement. @at_work: it was running tasks */
void bus_past_died (BusPast *past, guint64 incarnation, gboolean at_work, gint64 now_us);
/* The id completed a task. */
void bus_past_completed (BusPast *past);
/* TRUE if it died twice while it ran tasks, and completed no task in between or since. */
gboolean bus_past_dies_at_work (const BusPast *past);

/* TRUE while a hold is in force. */
gboolean bus_past_is_held (const BusPast *past, gint64 now_us);
/* Begins a hold, and returns its end. @first_us: length of a first hold; @most_us: the longest */
gint64 bus_past_hold (BusPast *past, gint64 first_us, gint64 most_us, gint64 now_us);
