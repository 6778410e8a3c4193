/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Coverage: counts how often each situation that matters occurred, over all seeds.
 *
 * A run proves nothing about a situation that never occurred, so it fails if a situation of the table did not occur. The table
 * is the only list of situations; it gives their names and their test paths.
 */

#define SIM_SITUATIONS(X)                                                                                              \
  X (BLOCK_REFUSED, "B07-block-refused-own-messages")                                                                  \
  X (BLOCK_OVER_BOUND, "M08-block-held-more-than-its-bound")                                                           \
  X (DROPPED_OLDEST, "B01-drop-oldest-dropped")                                                                        \
  X (DROPPED_NEWEST, "B02-drop-newest-dropped")                                                                        \
  X (ERROR_REFUSED, "B03-error-refused")                                                                               \
  X (CONFLATED, "M08-conflated")                                                                                       \
  X (BLOCK_TIMER_LEFT, "B04-block-timer-without-ticket")                                                               \
  X (BLOCK_HELD, "B04-block-held-credit")                                                                              \
  X (PUBLISHER_BLOCKED, "B04-publisher-without-credit")                                                                \
  X (BLOCK_EXPIRED, "B04-block-expired")                                                                               \
  X (DEMOTED, "B04-demoted")                                                                                           \
  X (BLOCK_GOES_ON, "B04-block-continues-while-credit-returns")                                                        \
  X (DRAINED, "B04-drained-after-demotion")                                                                            \
  X (BLOCKED_EACH_OTHER, "B05-publishers-block-each-other")                                                            \
  X (STUCK_BESIDE_OTHERS, "B06-one-subscription-without-credit-beside-others")                                         \
  X (OWN_SUBSCRIBER, "B07-publisher-blocks-as-its-own-subscriber")                                                     \
  X (ADJUSTED_FULL, "B08-adjusted-while-full")                                                                         \
  X (ADJUSTED_DEMOTED, "B08-adjusted-while-demoted")                                                                   \
  X (CONTROL_PASSED, "B09-control-before-waiting-data")                                                                \
  X (BACKLOG, "I20-long-queue-read-without-pauses")                                                                    \
  X (READ_AT_ONCE, "I20-credit-lets-a-message-pass-at-once")                                                           \
  X (EXPIRED, "R11-message-expired")                                                                                   \
  X (LIMIT_GAP, "R04-dropped-from-the-largest-queue")                                                                  \
  X (QUEUE_SHED, "R04-queue-became-shorter-at-a-limit")                                                                \
  X (NO_MEMORY_GAP, "R10-no-memory-reported")                                                                          \
  X (ALLOCATION_FAILED, "R10-allocation-failed")                                                                       \
  X (FANOUT_SHARED, "R05-one-message-in-several-queues")                                                               \
  X (UNFINISHED, "I01-unfinished-frame-held")                                                                          \
  X (PINNED, "R04-unfinished-frame-disconnected")                                                                      \
  X (LIMIT_REFUSED, "R03-subscription-refused")                                                                        \
  X (REQUEST_ENDED, "R06-request-ended-by-deadline-or-leave")                                                          \
  X (PART, "answer-in-parts")                                                                                          \
  X (MERGED, "B04-progress-replaced")                                                                                  \
  X (STREAM_WAITED, "B04-reply-waited-for-its-window")                                                                 \
  X (STREAM_BLOCKED, "B04-window-closed-for-too-long")                                                                 \
  X (LARGE_REPLY, "I04-reply-in-the-data-lane")                                                                        \
  X (CANCELLED, "O06-responder-cancelled")                                                                             \
  X (WITHDRAWN, "O06-queued-request-withdrawn")                                                                        \
  X (MEMBER_FAILED, "member-of-many-failed")                                                                           \
  X (MANY_ENDED, "many-all-answered")                                                                                  \
  X (MANY_FIRST, "many-first-answers")                                                                                 \
  X (MANY_PARTIAL, "many-partial")                                                                                     \
  X (REPLIED, "request-answered")                                                                                      \
  X (SOFT_LIMIT, "R04-soft-limit-passed")                                                                              \
  X (CLOSED_SLOW, "B09-control-lane-full-closed")                                                                      \
  X (LANE_FULL, "B09-control-lane-full")                                                                               \
  X (SOFT_OVER, "R04-above-the-soft-limit-for-its-time")                                                               \
  X (SHED_OLDEST, "R04-oldest-dropped-at-a-limit")                                                                     \
  X (SHED_NEWEST, "R04-newest-dropped-at-a-limit")                                                                     \
  X (REPLY_REFUSED, "R04-no-room-for-an-answer")                                                                       \
  X (CREDIT_EXCEEDED, "sent-without-credit-closed")                                                                    \
  X (HANDED_OVER, "group-messages-handed-on-at-the-end-of-a-member")                                                   \
  X (HANDED_ON, "M06-group-messages-handed-on-at-demotion")                                                            \
  X (PASSED_OVER, "M06-group-did-not-pick-a-stalled-member")                                                           \
  X (GROUP_POLICY, "group-policy-refused")                                                                             \
  X (BALANCED_ROUND_ROBIN, "M07-round-robin")                                                                          \
  X (BALANCED_LEAST_LOADED, "M07-least-loaded")                                                                        \
  X (BALANCED_RANDOM, "M07-random")                                                                                    \
  X (BALANCED_FIRST_AVAILABLE, "M07-first-available")                                                                  \
  X (IN_FLIGHT, "M07-bound-in-flight-reached")                                                                         \
  X (STRATEGY_REFUSED, "M07-strategy-refused")                                                                         \
  X (JOIN_REFUSED, "A08-group-with-another-pattern-refused")                                                           \
  X (TYPE_REFUSED, "A08-group-of-another-type-refused")                                                                \
  X (ADJUST_REFUSED, "A08-adjust-of-a-group-with-other-members-refused")                                               \
  X (DENIED, "I05-denied")                                                                                             \
  X (HOSTILE_CLOSED, "O09-hostile-closed")                                                                             \
  X (DIRECT, "direct-message")                                                                                         \
  X (REPLY_BEHIND, "I04-reply-behind-waiting-messages")                                                                \
  X (KEPT, "M06-kept-until-settled")                                                                                   \
  X (KEPT_WAITING, "M06-kept-while-waiting")                                                                           \
  X (KEPT_REFUSED, "M06-no-room-to-keep")                                                                              \
  X (REPEATED, "M06-repeated-to-another-member")                                                                       \
  X (REPEATED_LATE, "M06-repeated-at-the-settle-timeout")                                                              \
  X (TAKEN_OVER, "K11-taken-over-at-once")                                                                             \
  X (TAKEN_OVER_SILENT, "K11-taken-over-from-a-silent-connection")                                                     \
  X (ID_REFUSED, "A01-id-refused-to-another-account")                                                                  \
  X (ID_KEPT, "A01-id-kept-because-its-holder-answered")                                                               \
  X (LATE, "R11-timers-late")                                                                                          \
  X (SPLIT, "frame-split")                                                                                             \
  X (PARTLY_SENT, "bytes-partly-sent")                                                                                 \
  X (LEFT_WHILE_WAITING, "I16-left-while-waiting")                                                                     \
  X (UNSUBSCRIBED_WAITING, "unsubscribed-while-waiting")                                                               \
  X (WATCHED, "I07-watcher-of-system-received-an-event")                                                               \
  X (WATCHER_MISSED, "I07-watcher-of-system-received-a-gap")                                                           \
  X (DROP_COMPARED, "I07-sums-of-system-drop-compared")                                                                \
  X (SLOW_COMPARED, "I07-last-system-slow-compared")                                                                   \
  X (PEERS_COMPARED, "O05-last-system-peer-compared")                                                                  \
  X (FOLDED, "T08-equal-patterns-of-a-peer")                                                                           \
  X (MATCH_KEPT, "T07-match-kept-over-a-change")                                                                       \
  X (MATCH_STALE, "T07-match-out-of-date")                                                                             \
  X (SERVER_HOLE, "T07-server-ended-among-others")                                                                     \
  X (FILTERED, "M24-filter-rejected-a-message")                                                                        \
  X (FILTERED_BY_TAGS, "M24-filter-rejected-a-message-with-tags")                                                      \
  X (TOO_DEEP, "M30-too-deep-by-the-depth-in-the-message")                                                             \
  X (RECORDED_DEPTH, "M30-too-deep-by-the-recorded-depth")                                                             \
  X (CIRCLE, "M30-cycle-refused")                                                                                      \
  X (CASCADES_COUNTED, "M30-further-refused-messages-counted")                                                         \
  X (CONFIRMED, "O05-confirmed")                                                                                       \
  X (UNKNOWN, "O05-outcome-unknown")                                                                                   \
  X (CONFIRM_FOREIGN, "O05-confirmed-by-another-connection")                                                           \
  X (CONFIRM_GUESSED, "O05-confirmed-before-it-was-sent")                                                              \
  X (CONFIRM_REFUSED, "O05-confirmation-without-a-group-refused")                                                      \
  X (RESENT, "K12-sent-again-and-recognised")                                                                          \
  X (RESENT_ELSEWHERE, "K12-sent-again-on-another-connection")                                                         \
  X (RESENT_WAITS, "K12-confirmation-continued")                                                                       \
  X (RESEND_TRIMMED, "K12-trimmed-by-hello")                                                                           \
  X (RESEND_REFUSED, "K12-window-refused")                                                                             \
  X (DRAIN_FINISHED, "M06-member-drained")                                                                             \
  X (DRAIN_HANDED_ON, "M06-waiting-messages-handed-on-at-drain")                                                       \
  X (DRAIN_WAITED, "M06-drain-waited-for-unsettled-messages")                                                          \
  X (DRAIN_GONE, "M06-member-ended-while-it-drained")                                                                  \
  X (DRAIN_RESUMED, "M06-member-takes-part-again")                                                                     \
  X (DRAIN_JOINED, "M06-joined-while-its-peer-drains")                                                                 \
  X (DRAIN_VACANT, "M06-every-member-drains")                                                                          \
  X (HELD, "K08-held-for-a-group")                                                                                     \
  X (HOLD_GIVEN, "K08-held-message-given-to-a-member")                                                                 \
  X (HOLD_EXPIRED, "K08-held-message-expired")                                                                         \
  X (HELD_CONFIRMED, "K08-O05-held-message-confirmed")                                                                 \
  X (HELD_UNHANDLED, "K08-O05-held-message-not-handled-in-time")                                                       \
  X (HELD_RESENT, "K08-K12-sent-again-while-it-is-held")                                                               \
  X (WAIT_ANSWERED, "K11-waited-for-a-client")                                                                         \
  X (WAIT_IN_VAIN, "K11-wait-timed-out")                                                                               \
  X (WATCH_BEHIND, "K11-watcher-got-the-state-again")                                                                  \
  X (WATCH_ENDED, "K11-watch-cancelled")                                                                               \
  X (WATCH_COMPARED, "K11-watch-compared")                                                                             \
  X (WATCH_COUNTED, "K11-changes-of-a-watch-counted")                                                                  \
  X (RESTARTED, "M16-broker-restarted")                                                                                \
  X (SHUT_DOWN, "M16-broker-shut-down")                                                                                \
  X (RESTORED, "M16-subscription-restored")                                                                            \
  X (VERIFIED, "M16-subscriptions-counted")                                                                            \
  X (RESEND_MADE_ROOM, "K12-oldest-window-removed")                                                                    \
  X (RETAINED, "retained-message-delivered")                                                                           \
  X (RETAINED_END, "M16-end-of-retained-messages-reported")                                                            \
  X (RETAINED_FIRST, "retained-before-waiting-messages")                                                               \
  X (RETAINED_REPLACED, "retained-replaced")                                                                           \
  X (RETAINED_GONE, "M15-retained-message-ended-with-its-publisher")                                                   \
  X (RETAINED_EXPIRED, "R11-retained-expired")                                                                         \
  X (RETAINED_CLEARED, "retained-cleared")                                                                             \
  X (RETAIN_REFUSED, "R03-no-room-to-retain")                                                                          \
  X (WILL_PUBLISHED, "last-message-published")                                                                         \
  X (WILL_MATCHED, "last-message-matched-subscriptions")                                                               \
  X (RUN, "M17-run-of-messages")                                                                                       \
  X (RUN_SPLIT, "M17-run-delivered-in-part")                                                                           \
  X (RUN_WAITS, "M17-run-waits-together")                                                                              \
  X (RUN_SENT_IN_PART, "M17-part-of-a-waiting-run-sent")                                                               \
  X (RUN_LOST, "R10-run-without-memory-lost")                                                                          \
  X (RUN_HELD, "M17-credit-of-a-run-withheld")                                                                         \
  X (RUN_OF_MEMBERS, "M17-credit-of-a-run-withheld-by-members")                                                        \
  X (RUN_TICKET_SHARED, "M17-ticket-shared-by-runs")                                                                   \
  X (WILL_REPLACED, "last-message-replaced")                                                                           \
  X (WILL_REMOVED, "last-message-removed")                                                                             \
  X (WILL_GOODBYE, "last-message-discarded-by-goodbye")                                                                \
  X (WILL_TAKEN_OVER, "K11-last-message-discarded-by-takeover")                                                        \
  X (WILL_RETAINED, "last-message-retained")                                                                           \
  X (WILL_UNRETAINED, "R03-no-room-to-retain-the-last-message")                                                        \
  X (LOST, "I07-loss-of-a-publisher-reported")                                                                         \
  X (LOST_GROUP, "I07-loss-of-a-publisher-reported-to-a-member")                                                       \
  X (LOST_JOINED, "I07-losses-of-publishers-joined")                                                                   \
  X (LOST_DENIED, "A08-loss-on-a-forbidden-topic-denied")                                                              \
  X (STORM_YIELDED, "F08-silent-connection-disconnected-for-a-newcomer")                                               \
  X (STORM_YOUNG, "F08-young-connections-not-disconnected")                                                            \
  X (STORM_SHARE, "R01-limit-of-an-account")                                                                           \
  X (STORM_FULL, "R01-limit-of-all-connections")                                                                       \
  X (STORM_WAITS, "R01-broker-accepts-later")                                                                          \
  X (RECORDED, "M24-message-recorded")                                                                                 \
  X (RECORDED_REFUSED, "M24-refused-message-recorded")                                                                 \
  X (RIVAL_NEWER, "K11-newer-incarnation")                                                                             \
  X (RIVAL_OLDER, "K11-older-incarnation")                                                                             \
  X (RIVAL_OTHER_PROCESS, "K11-equal-incarnation-of-another-process")                                                  \
  X (RIVAL_OTHER_ACCOUNT, "A01-equal-incarnation-of-another-account")                                                  \
  X (RIVAL_OTHER_TOKEN, "A01-equal-incarnation-with-another-token")                                                    \
  X (PAIR_REFUSED, "K11-two-newcomers-refused")                                                                        \
  X (PAIR_IN_TURN, "K11-second-newcomer-waits-for-the-first")                                                          \
  X (PAIR_IS_ONE, "K11-second-newcomer-is-the-same-client-object")                                                     \
  X (PAIR_OVERTAKEN, "K11-same-client-object-overtakes-the-first-newcomer")                                            \
  X (PAIR_INHERITED, "K11-second-newcomer-gets-the-id-of-the-first")                                                   \
  X (PAIR_GAVE_UP, "K11-second-newcomer-leaves")                                                                       \
  X (RIVAL_STAYED, "K11-newcomer-continues-as-the-client")                                                             \
  X (REPLACED_MEMBER, "K11-member-of-a-group-replaced")                                                                \
  X (REPLACED_UNSETTLED, "K11-unsettled-deliveries-replaced")                                                          \
  X (REPLACED_REQUESTER, "K11-requester-replaced")                                                                     \
  X (REPLACED_RESPONDER, "K11-responder-replaced")                                                                     \
  X (REPLACED_RETAINED, "K11-publisher-of-retained-messages-replaced")                                                 \
  X (HOPS, "M24-stations-of-a-message")                                                                                \
  X (HOPS_WAITED, "M24-stations-of-a-waiting-message")                                                                 \
  X (HOPS_HANDED_ON, "M24-stations-of-a-message-that-was-handed-on")                                                   \
  X (HOPS_REPEATED, "M24-stations-of-a-repeat")                                                                        \
  X (HOPS_ANSWERED, "M24-stations-of-an-answer")                                                                       \
  X (PAGE_MORE, "M24-timeline-in-pages")                                                                               \
  X (PAGE_LAST, "M24-last-page-of-the-timeline")                                                                       \
  X (PAGE_OF_MEMBER, "M24-timeline-by-the-id-of-a-message")                                                            \
  X (PAGE_SHRUNK, "M24-oldest-record-removed-between-pages")                                                           \
  X (PAGE_REFUSED, "M24-timeline-of-an-unknown-id")                                                                    \
  X (PAGE_DENIED, "M24-timeline-denied-to-a-collector")                                                                \
  X (TIMELINE_FULL, "M24-oldest-record-removed")

#define SIM_SITUATION_ENUM(name, path) SIM_COVER_##name,
typedef enum
{
  SIM_SITUATIONS (SIM_SITUATION_ENUM) SIM_N_SITUATIONS
} SimSituation;
#undef SIM_SITUATION_ENUM

typedef struct
{
  guint64 counts[SIM_N_SITUATIONS];
} SimCoverage;

const char *sim_coverage_name (SimSituation situation);
