# SPDX-License-Identifier: Apache-2.0
"""Text of the page that does not come from a run: the reason why a floor is not met, and the change that would meet it. The keys
are the workloads of floors.py."""

NOTES = {
    "round trip p99 beside 16 hostile subscribers":
        "The broker offers each request and each reply to 16 x 1,024 subscriptions. Each subscription has its own window, and all windows are "
        "full, because the subscribers cannot run 33 million handlers per second. So each offer drops the oldest waiting message of a "
        "subscription. One offer takes about 70 ns, and the 2 x 16,384 offers of a round trip take 2.4 ms of the broker's CPU time. The "
        "subscribers occupy the other CPU. Equal subscriptions of a peer share an entry of the index, which bounds the cost of matching, but "
        "not the cost of the offers. To meet the floor, equal subscriptions of a peer would have to share one queue, with a read position for "
        "each subscription, and a CREDIT frame would have to name several subscriptions, so that their positions stay equal.",
}
