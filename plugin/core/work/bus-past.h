/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"

/*
 * The past of an id: what the collector with that id did lately, whatever connection it had.
 *
 * A collector that fails, dies or registers again and again is set aside for a time. That would be of no use if it began anew
 * with each connection, so the past of an id outlives the connection by 10 minutes, for at most 1,024 ids without one (the
 * ids that left first are forgotten first). It decides nothing about the state of a member; bus-registry does.
 *
 * A hold lasts 5 s, and twice as long as the one before if the id was held within the last 10 minutes, at most 5 minutes.
 *
 * An id that left without announcement is still expected to answer questions to many: what it could do is kept with it.
 *
 * Invariant: the past of an id exists while the id is registered; it holds no memory of a peer.
 */

#define BUS_PAST_MAX           1024u
#define BUS_PAST_US            (10 * G_TIME_SPAN_MINUTE)
#define BUS_PAST_WINDOW_US     G_TIME_SPAN_MINUTE
#define BUS_PAST_STRIKES       3u
#define BUS_PAST_REGISTRATIONS 3u /* in a window; one more is too often */
#define BUS_PAST_RETURN_US     (2 * G_TIME_SPAN_SECOND)

typedef struct BusPast
{
  char *id;
  BusKey key;
  gint64 strikes_us[BUS_PAST_STRIKES];              /* the last ones, in a ring; 0: none */
  gint64 registered_us[BUS_PAST_REGISTRATIONS + 1]; /* the same */
  guint n_strikes;                                  /* all: the place in the ring */
  guint n_registrations;
  guint deaths;
  guint deaths_at_work; /* in a row: it died while it ran tasks, and has completed none since */
  guint64 last_dead;    /* incarnation that died last */
  gint64 last_death_us; /* 0: none */
  gboolean was_at_work; /* then */
  guint n_holds;        /* in a row */
  gint64 held_until_us; /* 0: never held */
  guint users;          /* registrations: 0 or 1 */
  gint64 left_us;       /* its last registration ended */
  guint64 incarnation;  /* of that */
  struct BusProfile
      *profile; /* what it could do, when it ended without announcement; NULL: it announced its end, or is registered */
  GList link;   /* in gone, without a user */
} BusPast;

typedef struct
{
  GHashTable *by_id; /* BusKey -> BusPast, owned */
  GQueue gone;       /* without a registration, in the order of their end */
} BusPasts;

void bus_pasts_init (BusPasts *pasts);
void bus_pasts_clear (BusPasts *pasts);

/* The past of an id that registers for the first time on its connection. */
BusPast *bus_past_open (BusPasts *pasts, guint64 seed, WireSpan id, gint64 now_us);
/* NULL: nothing is known of that id. */
BusPast *bus_past_find (const BusPasts *pasts, guint64 seed, WireSpan id);
/* Its registration has ended. */
void bus_past_close (BusPasts *pasts, BusPast *past, gint64 now_us);

/* It registered. TRUE: more than 3 times within a minute. A death of the same incarnation within the last 2 s was none. */
gboolean bus_past_registered (BusPast *past, guint64 incarnation, gint64 now_us);

/* It failed. TRUE: for the third time within a minute. The count begins anew then. */
gboolean bus_past_strike (BusPast *past, gint64 now_us);
/* Strikes within the last minute. */
guint bus_past_strikes (const BusPast *past, gint64 now_us);

/* Its connection ended without announcement. @at_work: it was running tasks */
void bus_past_died (BusPast *past, guint64 incarnation, gboolean at_work, gint64 now_us);
/* It completed a task. */
void bus_past_completed (BusPast *past);
/* TRUE if its last two leases ended with its death. */
gboolean bus_past_dies_at_work (const BusPast *past);

gboolean bus_past_is_held (const BusPast *past, gint64 now_us);
/* Begins a hold; returns its end. @first_us: duration of the first one; @most_us: of any */
gint64 bus_past_hold (BusPast *past, gint64 first_us, gint64 most_us, gint64 now_us);
