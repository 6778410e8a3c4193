/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-pick.h"

#include "base/bus-hash.h"
#include "peer/bus-peer.h"
#include "queue/bus-unsettled.h"

/* Shorter differences do not mean that a member is stalled: it returns the credit of a message after its callback. */
#define PICK_GRACE_US (250 * G_TIME_SPAN_MILLISECOND)
#define PICK_OWED_MAX 65536u

typedef gboolean (*PickTaker) (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);

/* The members to pick from. */
typedef struct
{
  BusBalance *balance;
  BusSubscription *const *candidates;
  guint n;
  guint start;           /* the place at which the comparison begins */
  const BusPeer *except; /* nullable */
  const BusNeed *need;
  gint64 least_us; /* the shortest time for which a member has held messages; -1: not computed yet */
  guint64 weights; /* of the members of the rank that were compared so far */
} PickChoice;

/* --- the balance --- */

void
bus_balance_init (BusBalance *balance, BusStrategy strategy, guint64 seed)
{
  *balance = (BusBalance){ .strategy = strategy, .chance = seed };
}

void
bus_balance_join (BusBalance *balance, BusSubscription *member)
{
  /* A member without a share has no turn and is owed nothing. */
  if (member->share != &bus_no_share)
    {
      BusShare *share = bus_subscription_need_share (member);

      share->turn = 0;
      share->owed = 0;
    }
  balance->n_members++;
  balance->n_weighted += member->share->weight > 1 ? 1 : 0;
}

void
bus_balance_leave (BusBalance *balance, const BusSubscription *member)
{
  balance->n_members--;
  balance->n_weighted -= member->share->weight > 1 ? 1 : 0;
  balance->n_owed -= member->share->owed > 0 ? 1 : 0;
}

/* --- ranks --- */

static gboolean
pick_takes_any (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return TRUE;
}

static gboolean
pick_is_present (const PickChoice *choice, const BusSubscription *member)
{
  return bus_peer_is_ready (member->owner) && member->owner != choice->except && bus_subscription_takes_part (member);
}

static gint64
pick_least_stalled_us (PickChoice *choice)
{
  if (choice->least_us < 0)
    {
      choice->least_us = G_MAXINT64;
      for (guint i = 0; i < choice->n; i++)
        if (pick_is_present (choice, choice->candidates[i]) && !bus_subscription_is_demoted (choice->candidates[i]))
          choice->least_us
              = MIN (choice->least_us, bus_subscription_stalled_us (choice->candidates[i], choice->need->now_us));
    }
  return choice->least_us;
}

/* TRUE if the member is not demoted, and has held unacknowledged messages for about as long as the others, or at most twice as
 * long as it usually does: a member whose jobs take a second is not stalled after half a second. */
static gboolean
pick_is_prompt (PickChoice *choice, const BusSubscription *member)
{
  gint64 stalled_us = bus_subscription_stalled_us (member, choice->need->now_us);

  return !bus_subscription_is_demoted (member)
         && (stalled_us <= MAX (PICK_GRACE_US, 2 * member->unsettled.usual_us)
             || stalled_us - pick_least_stalled_us (choice) <= PICK_GRACE_US);
}

typedef enum
{
  PICK_PROMPT,
  PICK_NOT_DEMOTED,
  PICK_ALL,
} PickWhich;

typedef struct
{
  PickWhich which;
  PickTaker takes;
} PickRank;

/* In the order of preference: a stalled member is picked only when no prompt member takes the message, and a demoted one only when
 * no other member does. The last two ranks are for a message that no member takes: the policy of the picked member is applied. */
static const PickRank pick_ranks[] = {
  { PICK_PROMPT, bus_room_to_send },
  { PICK_PROMPT, bus_room_to_wait },
  { PICK_NOT_DEMOTED, bus_room_to_send },
  { PICK_NOT_DEMOTED, bus_room_to_wait },
  /* Members of closing peers have no rank (pick_is_present()): the loss must be in a gap that is sent. */
  { PICK_ALL, bus_room_to_send },
  { PICK_NOT_DEMOTED, pick_takes_any },
  { PICK_ALL, pick_takes_any },
};
#define PICK_RANKS_OF_TAKERS 4u
#define PICK_RANK_OWED       G_N_ELEMENTS (pick_ranks) /* instead of a rank: the member was owed a message */

static gboolean
pick_has_rank (PickChoice *choice, const PickRank *rank, const BusSubscription *member)
{
  if (!pick_is_present (choice, member) || (rank->which != PICK_ALL && bus_subscription_is_demoted (member))
      || (rank->which == PICK_PROMPT && !pick_is_prompt (choice, member)))
    return FALSE;
  return rank->takes (&member->owner->flow, member, choice->need);
}

/* --- strategies --- */

guint64
bus_pick_load (const BusSubscription *member)
{
  return bus_unsettled_messages (member) + member->fifo->messages;
}

/* A random number below @max, evenly distributed, because @max is small compared with 2^64. */
static guint64
pick_chance (BusBalance *balance, guint64 max)
{
  balance->chance += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return bus_hash_mix (balance->chance) % max;
}

/* TRUE if @member is preferred to @best, the best one of the members before it. */
typedef gboolean (*PickPrefers) (PickChoice *choice, const BusSubscription *member, const BusSubscription *best);

static gboolean
pick_prefers_turn (PickChoice *choice, const BusSubscription *member, const BusSubscription *best)
{
  return member->share->turn + member->share->weight > best->share->turn + best->share->weight;
}

/* TRUE if with this message the load of @member for each unit of its weight is smaller. */
static gboolean
pick_prefers_less_load (PickChoice *choice, const BusSubscription *member, const BusSubscription *best)
{
  guint64 load = (bus_pick_load (member) + 1) * best->share->weight;
  guint64 least = (bus_pick_load (best) + 1) * member->share->weight;

  return load != least ? load < least : bus_flow_bytes (&member->owner->flow) < bus_flow_bytes (&best->owner->flow);
}

/* Each member replaces the best one before it with the probability weight / sum of the weights so far, so that in the end each
 * member has been chosen with a probability in proportion to its weight. */
static gboolean
pick_prefers_chance (PickChoice *choice, const BusSubscription *member, const BusSubscription *best)
{
  return pick_chance (choice->balance, choice->weights) < member->share->weight;
}

static gboolean
pick_prefers_weight (PickChoice *choice, const BusSubscription *member, const BusSubscription *best)
{
  return member->share->weight > best->share->weight;
}

typedef struct
{
  PickPrefers prefers; /* NULL: the first member of the rank is picked */
  gboolean rotates;    /* the comparison begins behind the member that was picked last */
  gboolean takes_turns;
} PickMethod;

/* Index: the strategy; then 1 if members have weights, or only some members match the message, otherwise 0. Turns are fair in both
 * cases; the simple rotation is not. */
static const PickMethod pick_methods[BUS_STRATEGY_LAST + 1][2] = {
  [BUS_STRATEGY_DEFAULT] = { { NULL, TRUE, FALSE }, { pick_prefers_turn, TRUE, TRUE } },
  [BUS_STRATEGY_ROUND_ROBIN] = { { NULL, TRUE, FALSE }, { pick_prefers_turn, TRUE, TRUE } },
  [BUS_STRATEGY_LEAST_LOADED] = { { pick_prefers_less_load, TRUE, FALSE }, { pick_prefers_less_load, TRUE, FALSE } },
  [BUS_STRATEGY_RANDOM] = { { pick_prefers_chance, FALSE, FALSE }, { pick_prefers_chance, FALSE, FALSE } },
  [BUS_STRATEGY_FIRST_AVAILABLE] = { { NULL, FALSE, FALSE }, { pick_prefers_weight, FALSE, FALSE } },
};

static const PickMethod *
pick_method (const BusBalance *balance, guint n)
{
  return &pick_methods[balance->strategy][balance->n_weighted > 0 || n < balance->n_members];
}

/* Smooth weighted round robin: the turn of every member of the rank grows by its weight, and the turn of the picked member shrinks
 * by the sum of these weights. */
static void
pick_take_turn (PickChoice *choice, const PickRank *rank, BusSubscription *picked)
{
  for (guint i = 0; i < choice->n; i++)
    if (pick_has_rank (choice, rank, choice->candidates[i]))
      {
        bus_subscription_need_share (choice->candidates[i])->turn += choice->candidates[i]->share->weight;
        bus_subscription_need_share (picked)->turn -= choice->candidates[i]->share->weight;
      }
}

/* The member of that rank that the strategy chooses. n: none has the rank. */
static guint
pick_of_rank (PickChoice *choice, const PickRank *rank, const PickMethod *method)
{
  guint best = choice->n;

  choice->weights = 0;
  for (guint i = 0; i < choice->n && (best == choice->n || method->prefers != NULL); i++)
    {
      guint at = (choice->start + i) % choice->n;
      const BusSubscription *member = choice->candidates[at];

      if (!pick_has_rank (choice, rank, member))
        continue;
      choice->weights += member->share->weight;
      if (best == choice->n || method->prefers (choice, member, choice->candidates[best]))
        best = at;
    }
  return best;
}

/* --- members that are owed messages --- */

/* TRUE for round robin without weights. */
static gboolean
pick_counts_owed (const PickMethod *method)
{
  return method->rotates && method->prefers == NULL;
}

static void
pick_clear_owed (BusBalance *balance, BusSubscription *member)
{
  if (member->share->owed == 0)
    return;
  balance->n_owed--;
  bus_subscription_need_share (member)->owed = 0;
}

static void
pick_owe (BusBalance *balance, BusSubscription *member)
{
  balance->n_owed += member->share->owed == 0 ? 1 : 0;
  if (member->share->owed < PICK_OWED_MAX)
    bus_subscription_need_share (member)->owed++;
}

/* The next prompt member that can send at once and is owed a message. n: there is none. */
static guint
pick_owed (PickChoice *choice)
{
  for (guint i = 0; i < choice->n; i++)
    {
      guint at = (choice->start + i) % choice->n;

      if (choice->candidates[at]->share->owed > 0 && pick_has_rank (choice, &pick_ranks[0], choice->candidates[at]))
        return at;
    }
  return choice->n;
}

/* The rotation passed over the members in front of the picked one, because they had no room: each is owed a message. A member that
 * is stalled or absent is owed nothing any more: otherwise it would get all messages for a while when it returns. */
static void
pick_owe_passed (PickChoice *choice, guint picked)
{
  for (guint i = 0; (choice->start + i) % choice->n != picked; i++)
    {
      BusSubscription *member = choice->candidates[(choice->start + i) % choice->n];

      if (pick_is_present (choice, member) && pick_is_prompt (choice, member))
        pick_owe (choice->balance, member);
      else
        pick_clear_owed (choice->balance, member);
    }
}

/* --- picking --- */

static PickChoice
pick_choice (BusBalance *balance,
             BusSubscription *const *candidates,
             guint n,
             const BusNeed *need,
             const BusPeer *except)
{
  guint start = pick_method (balance, n)->rotates ? (guint) (balance->cursor % n) : 0;

  return (PickChoice){ balance, candidates, n, start, except, need, -1, 0 };
}

/* Picks without using up a turn; pick_take() does that. @rank: (out): of the picked member
 *
 * Why members are owed messages: plain rotation that skips full members is not fair. Take two members with the same window, of
 * which one returns credit for each message, and the other one for ten messages at once. The second one is full more often when
 * its turn comes, so it is skipped, and loses its turn although it handles messages just as fast. The cursor can't wait for it
 * either, because then a member that is really slow would stop the group.
 *
 * So the cursor moves on, but the skipped member is owed one message for each turn that it lost (pick_owe_passed()). Here a member
 * that is owed messages and has room again is picked before the ranks are examined, until it has got what it was owed. Such a pick
 * does not move the cursor, so the rotation of the others continues where it was. At most PICK_OWED_MAX messages are owed to a
 * member, and none when it is stalled or leaves. `n_owed` of the balance counts the members that are owed messages: usually it
 * is 0, and a pick costs one comparison more. */
static guint
pick_in_ranks (PickChoice *choice, guint n_ranks, guint *rank)
{
  const PickMethod *method = pick_method (choice->balance, choice->n);
  guint picked = choice->n;

  if (choice->balance->n_owed > 0 && pick_counts_owed (method))
    picked = pick_owed (choice);
  *rank = PICK_RANK_OWED;
  for (guint i = 0; picked == choice->n && i < n_ranks; i++)
    {
      picked = pick_of_rank (choice, &pick_ranks[i], method);
      *rank = i;
    }
  return picked;
}

/* Uses up the turn of the picked member. The next pick begins behind it, and not behind the member whose turn it was: otherwise
 * the neighbour of a full member would be picked twice in a row. */
static void
pick_take (PickChoice *choice, guint picked, guint rank)
{
  const PickMethod *method = pick_method (choice->balance, choice->n);

  if (picked == choice->n)
    return;
  if (rank == PICK_RANK_OWED)
    {
      choice->balance->n_owed -= --bus_subscription_need_share (choice->candidates[picked])->owed == 0 ? 1 : 0;
      return;
    }
  if (method->takes_turns)
    pick_take_turn (choice, &pick_ranks[rank], choice->candidates[picked]);
  else if (rank == 0 && picked != choice->start && pick_counts_owed (method))
    pick_owe_passed (choice, picked);
  choice->balance->cursor = picked + 1;
}

guint
bus_pick_taker (BusBalance *balance,
                BusSubscription *const *candidates,
                guint n,
                const BusNeed *need,
                const BusPeer *except)
{
  PickChoice choice = pick_choice (balance, candidates, n, need, except);
  guint rank = 0;
  guint picked = pick_in_ranks (&choice, PICK_RANKS_OF_TAKERS, &rank);

  pick_take (&choice, picked, rank);
  return picked;
}

guint
bus_pick (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need)
{
  PickChoice choice = pick_choice (balance, candidates, n, need, NULL);
  guint rank = 0;
  guint picked = pick_in_ranks (&choice, G_N_ELEMENTS (pick_ranks), &rank);

  pick_take (&choice, picked, rank);
  return picked;
}

BusPicked
bus_pick_ahead (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need)
{
  PickChoice choice = pick_choice (balance, candidates, n, need, NULL);
  BusPicked picked = { n, 0 };

  picked.member = pick_in_ranks (&choice, G_N_ELEMENTS (pick_ranks), &picked.rank);
  return picked;
}

void
bus_pick_take (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need, BusPicked picked)
{
  PickChoice choice = pick_choice (balance, candidates, n, need, NULL);

  pick_take (&choice, picked.member, picked.rank);
}
